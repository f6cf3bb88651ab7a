-- Forgets workers that have not been heard of for long. One that still has jobs stays, until these have been claimed by
-- others: with its name Redis would forget them too.
-- ARGV: for how long (us). Returns how many these were.
local forgotten = 0
for _, worker in ipairs(redis.call("ZRANGEBYSCORE", q.workers, "-inf", q.now() - ARGV[1])) do
  if #redis.call("XPENDING", q.stream, q.group, "-", "+", 1, worker) == 0 then
    q.forget(worker)
    forgotten = forgotten + 1
  end
end
return forgotten
