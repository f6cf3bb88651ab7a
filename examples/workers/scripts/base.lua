-- What the scripts share: the keys of the queue, and steps that several of them take. It is put before each of them,
-- as `q`. A script runs in Redis, alone and as a whole: all of what it changes is changed, or nothing.
-- KEYS[1] is the name of the queue, in braces. Times are Redis's own, in microseconds.
local q = { group = "workers" }

for _, name in ipairs { "stream", "delayed", "dead", "count", "workers", "draining", "control" } do
  q[name] = KEYS[1] .. ":" .. name
end

function q.now()
  local time = redis.call("TIME")
  return time[1] * 1000000 + time[2]
end

function q.key(id)
  return KEYS[1] .. ":job:" .. id
end

-- The fields, in that order; false for those that are not there.
function q.get(id, ...)
  return unpack(redis.call("HMGET", q.key(id), ...))
end

function q.set(id, ...)
  redis.call("HSET", q.key(id), ...)
end

function q.add_to_count(what)
  redis.call("HINCRBY", q.count, what, 1)
end

-- Behind all that wait.
function q.enqueue(id)
  q.set(id, "state", "queued", "entry", redis.call("XADD", q.stream, "*", "id", id))
end

-- Takes it out of the stream, whoever has it.
function q.drop(entry)
  redis.call("XACK", q.stream, q.group, entry)
  redis.call("XDEL", q.stream, entry)
end

-- Is it still that worker's?
function q.is_held(entry, worker)
  return #redis.call("XPENDING", q.stream, q.group, entry, entry, 1, worker) > 0
end

-- A worker that has nothing.
function q.forget(worker)
  redis.call("XGROUP", "DELCONSUMER", q.stream, q.group, worker)
  redis.call("ZREM", q.workers, worker)
  redis.call("SREM", q.draining, worker)
end

-- A last state. What is known of the job is kept for a while.
function q.finish(id, state, field, text)
  q.set(id, "state", state, "ended", q.now(), field, text)
  redis.call("PEXPIRE", q.key(id), q.get(id, "keep"))
  q.add_to_count(state)
end

-- To the dead letters, until somebody looks at it.
function q.bury(id, err)
  local now = q.now()
  q.set(id, "state", "dead", "ended", now, "error", err)
  redis.call("ZADD", q.dead, now, id)
  q.add_to_count "dead"
end

return q
