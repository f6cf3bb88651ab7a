-- What the specs of examples/workers share: queues of their own, worker processes, waiting for something to be so.
local luv = require "weir.luv"
local weir = require "weir"
local process = require "spec.process"
local uv = luv.uv

local PATIENCE = 20 -- seconds; only a spec that fails takes so long

-- `dir`: where jobs leave their marks.
local Field = {}
Field.__index = Field

local last = 0

--- @param server of workers.server
--- @return Field with a queue of its own; close it
local function new(server)
  last = last + 1
  local self = setmetatable({ server = server, name = "queue" .. last, workers = {} }, Field)
  self.dir = assert(uv.fs_mkdtemp "/tmp/weir-XXXXXX")
  self.queue = require "workers.queue".new { redis = server.address, queue = self.name }
  return self
end

local function environment(self)
  local list = {}
  for name, value in pairs(uv.os_environ()) do list[#list + 1] = name .. "=" .. value end
  table.move({ "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath, "WEIR_MARKS=" .. self.dir }, 1, 3,
    #list + 1, list)
  return list
end

--- Starts one of the programs. Its output is in `stdout`.
function Field:start(program, arguments, stderr)
  local args = { "examples/workers/" .. program, "--redis", self.server.address, "--queue", self.name }
  table.move(arguments, 1, #arguments, #args + 1, args)
  return luv.spawn(process.interpreter(), { args = args, env = environment(self), stdio = { nil, "pipe", stderr } })
end

local function read_all(stream)
  local _ <close> = stream
  return stream:read "a"
end

--- What a program prints, its exit status, what it says on standard error.
function Field:run(program, ...)
  local started = self:start(program, { ... }, "pipe")
  local output, errors = weir.spawn(read_all, started.stdout), weir.spawn(read_all, started.stderr)
  return weir.await(output), (weir.await(started.exited)), weir.await(errors)
end

local function listen(worker)
  for line in worker.stderr:lines() do worker.log[#worker.log + 1] = line end
  worker.stderr:close()
end

local function start_worker(self, options)
  local arguments = { "--kinds", "spec/workers_kinds.lua" }
  for name, value in pairs(options or {}) do
    table.move({ "--" .. name, tostring(value) }, 1, 2, #arguments + 1, arguments)
  end
  local worker = self:start("worker.lua", arguments, "pipe")
  worker.log = {}
  worker.listening = weir.spawn(listen, worker)
  return worker
end

--- Starts a worker. What it says goes into the list `log`.
--- @param options of worker.lua
function Field:worker(options)
  local worker = start_worker(self, options)
  self.workers[#self.workers + 1] = worker
  return worker
end

--- Kills it as a crash would, and awaits that it has gone.
function Field.kill(worker)
  worker:kill "sigkill"
  weir.await(worker.exited)
end

local function bury(worker)
  Field.kill(worker)
  weir.await(worker.listening)
  worker.stdout:close()
end

--- Kills one, and starts another in its place.
function Field:replace(i, options)
  bury(self.workers[i])
  self.workers[i] = start_worker(self, options)
end

--- Awaits that f() is true.
function Field.await(f)
  local stop = weir.now() + PATIENCE
  while not f() do
    if weir.now() > stop then error("it has not come to be so", 2) end
    weir.sleep(0.01)
  end
end

--- Awaits that so many workers are there.
function Field:await_workers(n)
  Field.await(function() return #self.queue:status().workers == n end)
end

--- Awaits a state of a job; returns what is known of it.
function Field:await_state(id, state)
  Field.await(function() return self.queue:job(id).state == state end)
  return self.queue:job(id)
end

--- What jobs have left: the lines of all workers.
function Field:marks()
  local marks = {}
  for name in uv.fs_scandir_next, uv.fs_scandir(self.dir) do
    for line in io.lines(self.dir .. "/" .. name) do marks[#marks + 1] = line end
  end
  return marks
end

function Field:has_mark(mark)
  for _, line in ipairs(self:marks()) do
    if line == mark then return true end
  end
  return false
end

function Field:await_mark(mark)
  Field.await(function() return self:has_mark(mark) end)
end

--- Makes a file that jobs wait for.
function Field:touch(name)
  assert(io.open(self.dir .. "/" .. name, "w")):close()
end

local function remove(dir)
  for name in uv.fs_scandir_next, uv.fs_scandir(dir) do os.remove(dir .. "/" .. name) end
  uv.fs_rmdir(dir)
end

function Field:__close()
  for _, worker in ipairs(self.workers) do bury(worker) end
  self.queue:close()
  remove(self.dir)
end

return new
