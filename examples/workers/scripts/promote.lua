-- Puts those into the stream whose pause is over.
-- ARGV: how many at most. Returns how long until the next one (us), -1 if there is none.
local now = q.now()
for _, id in ipairs(redis.call("ZRANGEBYSCORE", q.delayed, "-inf", now, "LIMIT", 0, ARGV[1])) do
  redis.call("ZREM", q.delayed, id)
  q.enqueue(id)
end
local first = redis.call("ZRANGE", q.delayed, 0, 0, "WITHSCORES")
return first[2] and math.max(tonumber(first[2]) - now, 0) or -1
