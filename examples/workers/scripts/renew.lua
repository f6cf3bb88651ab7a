-- A worker is there, and still at work at these. JUSTID: this is no delivery.
-- ARGV: worker; for each entry: entry, id. Returns what it should know: entry, "lost"; entry, "cancelled", why; and
-- "", "drain".
local worker, news = ARGV[1], {}
redis.call("ZADD", q.workers, q.now(), worker)
for i = 2, #ARGV, 2 do
  local entry, id = ARGV[i], ARGV[i + 1]
  if not q.is_held(entry, worker) then
    news[#news + 1] = { entry, "lost" }
  else
    redis.call("XCLAIM", q.stream, q.group, worker, 0, entry, "JUSTID")
    local mark = q.get(id, "cancel")
    if mark then news[#news + 1] = { entry, "cancelled", mark } end
  end
end
if redis.call("SISMEMBER", q.draining, worker) == 1 then news[#news + 1] = { "", "drain" } end
return news
