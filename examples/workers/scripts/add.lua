-- Adds jobs, as long as there is room. One whose id is known is in already: a producer that has not heard the answer
-- may ask again.
-- ARGV: how many there may be, how long results are kept (ms); for each job: id, kind, args, tries, time limit.
-- Returns how many of them are in: the first ones.
local most, keep = tonumber(ARGV[1]), ARGV[2]
local room = most - redis.call("XLEN", q.stream) - redis.call("ZCARD", q.delayed)
local now, taken = q.now(), 0

for i = 3, #ARGV, 5 do
  local id, kind, args, tries, limit = unpack(ARGV, i, i + 4)
  local state, mark = q.get(id, "state", "cancel")
  if not state then
    if room <= 0 then break end
    q.set(id, "kind", kind, "args", args, "tries", tries, "limit", limit, "keep", keep, "attempt", 0, "added", now)
    redis.call("PERSIST", q.key(id))
    if mark then
      q.finish(id, "cancelled", "error", mark)
    else
      q.enqueue(id)
      room = room - 1
    end
  end
  taken = taken + 1
end
return taken
