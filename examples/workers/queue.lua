--- A queue of jobs in Redis, for producers, workers and who looks at it. All calls await.
local Connection = require "workers.connection"
local Pool = require "workers.pool"
local scripts = require "workers.scripts"

local GROUP = "workers"
local PATIENCE = 5 -- seconds for an answer
local CONNECTIONS = 4
local DAY = 86400

local Queue = {}
Queue.__index = Queue

--- @param options `redis`: "host:port"; `queue`: its name
function Queue.new(options)
  local key = ("{%s}"):format(options.queue)
  return setmetatable({
    key = key, stream = key .. ":stream", address = options.redis,
    pool = Pool.new(options.redis, PATIENCE, CONNECTIONS),
  }, Queue)
end

function Queue:close()
  self.pool:close()
end

--- A connection of one's own, for one who waits on it long.
--- @param seconds that an answer may take; without limit, if nil
function Queue:connection(seconds)
  return Connection.new(self.address, seconds and seconds + PATIENCE)
end

local function is_error(err, code)
  return tostring(err):find("redis error: " .. code, 1, true) ~= nil
end

-- Others may be about it too.
local function make_group(self, client)
  local ok, err = pcall(client.xgroup, client, "create", self.stream, GROUP, 0, "mkstream")
  if not ok and not is_error(err, "BUSYGROUP") then error(err, 0) end
end

-- There is none in the beginning, nor behind a restart of a server that keeps nothing.
local function with_group(self, client, f)
  local ok, answer = pcall(f, client)
  if ok then return answer end
  if not (is_error(answer, "NOGROUP") or is_error(answer, "ERR no such key")) then error(answer, 0) end
  make_group(self, client)
  return f(client)
end

local function ask(self, connection, f)
  return connection:call(function(client) return with_group(self, client, f) end)
end

local function run(self, name, arguments)
  return ask(self, self.pool, function(client) return scripts.run(client, name, self.key, arguments) end)
end

Queue.__close = Queue.close

local function append(list, ...)
  for _, value in ipairs { ... } do list[#list + 1] = value end
end

-- ---- for producers ----

--- Adds jobs, as many as there is room for.
--- @param jobs list of { id =, kind =, args =, tries =, limit =, in seconds }
--- @param most how many there may be in the queue
--- @return how many of them are in it, the first ones
function Queue:add(jobs, most)
  local arguments = { most, DAY * 1000 }
  for _, job in ipairs(jobs) do
    append(arguments, job.id, job.kind, job.args or "", job.tries or 5, job.limit or 0)
  end
  return run(self, "add", arguments)
end

-- ---- for workers ----

-- { { entry =, id = } ... }
local function entries_of(list)
  local entries = {}
  for i, item in ipairs(list or {}) do entries[i] = { entry = item[1], id = item[2][2] } end
  return entries
end

--- Takes jobs that nobody has, waiting for them if there are none.
--- @param connection one's own
function Queue:read(connection, worker, count, seconds)
  local block = math.max(1, seconds * 1000 // 1 | 0)
  local answer = ask(self, connection, function(client)
    return client:xreadgroup("group", GROUP, worker, "count", count, "block", block, "streams", self.stream, ">")
  end)
  return entries_of(answer and answer[1][2])
end

--- Takes jobs whose workers have not been heard of for that long.
--- @param cursor where to look on, "0-0" for the beginning
--- @return the jobs, and a cursor
function Queue:claim(connection, worker, count, seconds, cursor)
  local answer = ask(self, connection, function(client)
    return client:xautoclaim(self.stream, GROUP, worker, seconds * 1000 // 1 | 0, cursor, "count", count)
  end)
  return entries_of(answer[2]), answer[1]
end

--- Begins attempts at some jobs.
--- @param items list of { entry =, id = }
--- @return list of { "run", kind, args, number of the attempt, time limit }, or of { why not }
function Queue:begin(worker, items)
  local arguments = { worker }
  for _, item in ipairs(items) do append(arguments, item.entry, item.id) end
  return run(self, "begin", arguments)
end

--- Ends attempts.
--- @param items list of { entry =, id =, outcome =, text =, pause = }: "done" and the result, "cancelled" or "failed"
--- and the error; seconds before the next attempt
--- @return list of states that the jobs are in then, "lost" for what was no longer the worker's
function Queue:finish(worker, items)
  local arguments = { worker }
  for _, item in ipairs(items) do
    append(arguments, item.entry, item.id, item.outcome, item.text, item.pause * 1000000 // 1 | 0)
  end
  return run(self, "finish", arguments)
end

--- A worker is there, and still at work at these jobs.
--- @param items list of { entry =, id = }
--- @return list of { entry, "lost" or "cancelled", why }, and of { "", "drain" }
function Queue:renew(worker, items)
  local arguments = { worker }
  for _, item in ipairs(items) do append(arguments, item.entry, item.id) end
  return run(self, "renew", arguments)
end

--- Lets those be taken whose pause is over.
--- @return seconds until the next one; nil if there is none
function Queue:promote()
  local left = run(self, "promote", { 1000 })
  return left >= 0 and left / 1000000 or nil
end

--- @return how many jobs a worker that goes has given back
function Queue:leave(worker)
  return run(self, "leave", { worker })
end

--- Forgets workers that have not been heard of for that long, and have nothing.
function Queue:sweep(seconds)
  return run(self, "sweep", { seconds * 1000000 // 1 | 0 })
end

-- ---- for everybody ----

--- @return the state that it was in
function Queue:cancel(id, why)
  return run(self, "cancel", { id, why or "cancelled", DAY * 1000 })
end

--- @param worker name, or "all"
--- @return the names of those who will go
function Queue:drain(worker)
  return run(self, "drain", { worker })
end

--- A dead letter is to be tried again.
--- @return whether there was one
function Queue:revive(id)
  return run(self, "revive", { id }) == 1
end

--- @return ids of dead letters, the oldest first
function Queue:dead()
  return self.pool:call(function(client) return client:zrange(self.key .. ":dead", 0, -1) end)
end

--- @return what is known of a job
function Queue:job(id)
  return self.pool:call(function(client) return client:hgetall(self.key .. ":job:" .. id) end)
end

local function count_of(client, key)
  local count = client:hgetall(key)
  for name, n in pairs(count) do count[name] = math.tointeger(n) end
  return count
end

-- By name, with the number of jobs that each has.
local function workers_of(self, client)
  local workers = {}
  for _, pair in ipairs(client:zrange(self.key .. ":workers", 0, -1, "withscores")) do
    workers[#workers + 1] = { name = pair[1], heard = pair[2] / 1000000, held = 0 }
    workers[pair[1]] = workers[#workers]
  end
  local _, _, _, held = table.unpack(client:xpending(self.stream, GROUP), 1, 4)
  for _, pair in ipairs(held or {}) do
    if workers[pair[1]] then workers[pair[1]].held = math.tointeger(pair[2]) end
  end
  return workers
end

local function time_of(client)
  local time = client:time()
  return time[1] + time[2] / 1000000
end

local function status(self, client)
  local held = client:xpending(self.stream, GROUP)[1]
  return {
    held = held, queued = client:xlen(self.stream) - held, delayed = client:zcard(self.key .. ":delayed"),
    dead = client:zcard(self.key .. ":dead"), count = count_of(client, self.key .. ":count"),
    workers = workers_of(self, client), now = time_of(client),
  }
end

--- @return `queued`, `held` by workers, `delayed`, `dead`: how many; `count`: of all that has happened, by name;
--- `workers`: list of { name =, held =, heard = when }; `now`: what `heard` is to be compared with
function Queue:status()
  return ask(self, self.pool, function(client) return status(self, client) end)
end

return Queue
