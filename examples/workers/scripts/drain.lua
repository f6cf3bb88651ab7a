-- Workers are to go. It is noted with their names, for those who do not get the message.
-- ARGV: worker, or "all". Returns their names.
local names = ARGV[1] == "all" and redis.call("ZRANGE", q.workers, 0, -1) or ARGV
local there = {}
for _, name in ipairs(names) do
  if redis.call("ZSCORE", q.workers, name) then there[#there + 1] = name end
end
for _, name in ipairs(there) do
  redis.call("SADD", q.draining, name)
  redis.call("PUBLISH", q.control, "drain " .. name)
end
return there
