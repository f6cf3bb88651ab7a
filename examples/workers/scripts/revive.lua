-- A dead letter is tried again, from its first attempt.
-- ARGV: id. Returns whether there was one.
local id = ARGV[1]
if redis.call("ZREM", q.dead, id) == 0 then return 0 end
q.set(id, "attempt", 0)
q.enqueue(id)
return 1
