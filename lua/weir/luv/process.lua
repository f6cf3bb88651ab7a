--- Other programs.
local check = require "weir.check"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local is_signal = require "weir.luv.signal"
local loop = require "weir.luv.loop"
local stream = require "weir.luv.stream"
local uv = require "weir.luv.uv"

local NAMES = { "stdin", "stdout", "stderr" }

-- `gone` fires when it has ended, `exited` is what others see of it.
local Process = {}
Process.__index = Process
Process.__name = "Process"

--- Sends a signal: "sigterm", or another one.
--- @return whether the process was there to get it
function Process:kill(signal)
  check.self(self, Process, "kill")
  check.that(signal == nil or is_signal(signal), 1, "kill", "signal expected")
  if self.has_ended or loop.is_over() then return false end
  return self.handle:kill(signal or "sigterm") == 0
end

local function kill_by_force(self)
  return setmetatable({}, {
    __close = function()
      self:kill "sigkill"
    end,
  })
end

-- Whoever is cancelled here has it killed, and goes when it has ended; at the end of the grace time at the latest.
local function wait_for_end(self, signal)
  local _ <close> = kill_by_force(self)
  local function await_end() return core.await(core.shield(self.gone)) end
  local results = table.pack(pcall(await_end))
  if not results[1] then
    self:kill(signal)
    await_end()
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

local exit_of = core.coroutine(wait_for_end, "process")

-- Where that cannot begin at once a cancel may come before: then there is nobody to wait.
local function kill_if_not_begun(self, signal)
  if self.exited:status() ~= "ready" then return end
  core.follow(core.join "process", self.exited, function() self:kill(signal) end, nil, true)
end

-- ---- starting ----

-- What luv gets for one entry of stdio, and the Stream of our end, if there is one.
local function stdio_of(entry, fd)
  if entry == "pipe" then
    local pipe = uv.new_pipe()
    return pipe, pipe
  elseif entry == "inherit" then
    return fd
  elseif getmetatable(entry) == stream.class then
    return entry.handle
  elseif entry ~= "ignore" then
    return entry
  end
end

local function pipes_and_stdio(list)
  local stdio, pipes = {}, {}
  for i, entry in pairs(list) do stdio[i], pipes[i] = stdio_of(entry, i - 1) end
  return stdio, pipes
end

-- luv would take it for nothing.
local function is_entry(i, entry)
  if math.type(i) ~= "integer" or i < 1 then return false end
  return getmetatable(entry) ~= stream.class or entry.handle ~= nil
end

local function check_stdio(list)
  check.that(list == nil or type(list) == "table", 2, "spawn", "option 'stdio' is not a table")
  for i, entry in pairs(list or {}) do
    if not is_entry(i, entry) then
      error(("bad argument #2 to 'spawn' (no file to be had of entry %s of 'stdio')"):format(tostring(i)), 3)
    end
  end
end

local function with_stdio(options, stdio)
  local copy = {}
  for key, value in pairs(options) do copy[key] = value end
  copy.stdio, copy.kill_signal, copy.limit = stdio, nil, nil
  return copy
end

local function tell(self, code, signal)
  core.succeed_with(self.gone, code, signal)
  core.finish()
end

local function on_exit(self)
  return loop.enter(function(code, signal)
    self.has_ended = true
    self.handle:close()
    loop.later(tell, self, code, signal)
  end)
end

local function close_pipes(pipes)
  for _, pipe in pairs(pipes) do pipe:close() end
end

-- luv may raise, for an option that it does not like.
local function start(file, options, pipes, callback)
  local ok, handle, pid = pcall(uv.spawn, file, options, callback)
  if ok and handle then return handle, pid end
  close_pipes(pipes)
  if ok then error(failure(pid .. ": " .. file), 0) end
  check.blame(handle, "spawn", 3)
end

local function take_pipes(self, pipes, limit)
  for i, pipe in pairs(pipes) do self[NAMES[i] or i - 1] = stream.new(pipe, limit) end
end

--- Starts a program.
--- @param options those of uv.spawn; in `stdio` also "pipe", "inherit", "ignore" and Streams
--- @return Process
local function spawn(file, options)
  check.that(type(file) == "string", 1, "spawn", "string expected")
  options = options or {}
  check.that(type(options) == "table", 2, "spawn", "table expected")
  local signal = options.kill_signal
  check.that(signal == nil or is_signal(signal), 2, "spawn", "option 'kill_signal' is not a signal")
  check.options({ limit = options.limit }, stream.options, 2, "spawn") -- the others are luv's
  check_stdio(options.stdio)
  loop.join()
  local self = setmetatable({ gone = core.Deferred() }, Process)
  local stdio, pipes = pipes_and_stdio(options.stdio or {})
  self.handle, self.pid = start(file, with_stdio(options, stdio), pipes, on_exit(self))
  take_pipes(self, pipes, options.limit)
  loop.own()
  self.exited = exit_of(self, signal)
  kill_if_not_begun(self, signal)
  return self
end

function Process:__tostring()
  check.self(self, Process, "tostring")
  return ("Process: %p (%d, %s)"):format(self, self.pid, self.exited:status())
end

return spawn
