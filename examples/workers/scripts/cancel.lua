-- Cancels a job, wherever it is. If it is being run, or has not been added yet, a mark in it says so to whoever meets
-- it; the message is only faster.
-- ARGV: id, why, how long a mark is kept for a job that does not come (ms). Returns the state that it was in, "unknown"
-- if there is none.
local id, why, keep = unpack(ARGV)
local state, entry = q.get(id, "state", "entry")
if not state then
  q.set(id, "cancel", why)
  redis.call("PEXPIRE", q.key(id), keep)
  return "unknown"
end

if state == "queued" then
  q.drop(entry)
  q.finish(id, "cancelled", "error", why)
elseif state == "delayed" then
  redis.call("ZREM", q.delayed, id)
  q.finish(id, "cancelled", "error", why)
elseif state == "running" then
  q.set(id, "cancel", why)
  redis.call("PUBLISH", q.control, "cancel " .. id .. " " .. why)
end
return state
