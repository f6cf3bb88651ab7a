-- What the specs of weir.luv and weir.socket share: a loop that cannot hang, pairs of connected ends, a look at what is
-- left open.
local luv = require "weir.luv"
local h = require "spec.helper"
local process = require "spec.process"
local uv = luv.uv

local PATIENCE = 30000 -- milliseconds; only a spec that fails takes so long

local x = {}

--- luv.run, which fails instead of hanging.
function x.run(...)
  local watchdog = uv.new_timer()
  watchdog:start(PATIENCE, 0, uv.stop)
  watchdog:unref()
  local results = table.pack(pcall(luv.run, ...))
  watchdog:close()
  if results[1] then return table.unpack(results, 2, results.n) end
  error(results[2], 0)
end

--- Rounds of the loop, for what has to become known there.
function x.rounds(n)
  for _ = 1, n do
    luv.attach()
    uv.run "nowait"
  end
end

local function open_handles()
  local list = {}
  uv.walk(function(handle) list[#list + 1] = tostring(handle) end)
  return list
end

--- Fails if a spec has left a handle open.
function x.assert_nothing_left()
  h.collect()
  for _ = 1, 3 do
    luv.detach()
    uv.run "nowait"
  end
  luv.detach()
  local list = open_handles()
  uv.walk(function(handle)
    if not handle:is_closing() then handle:close() end
  end)
  uv.run "nowait"
  assert(#list == 0, "left open: " .. table.concat(list, ", "))
end

--- Two connected handles of luv.
function x.handles()
  local fds = assert(uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true }))
  local a, b = uv.new_pipe(), uv.new_pipe()
  assert(a:open(fds[1]))
  assert(b:open(fds[2]))
  return a, b
end

--- A Stream and a handle of luv, connected.
function x.stream(options)
  local a, b = x.handles()
  return luv.stream(a, options), b
end

--- Two connected Streams.
function x.pair()
  local a, b = x.handles()
  return luv.stream(a), luv.stream(b)
end

--- Writes to a handle until the system takes no more; returns how many bytes it took.
function x.fill(handle)
  local piece, n = ("x"):rep(4096), 0
  repeat
    local taken = handle:try_write(piece)
    n = n + (taken or 0)
  until not taken
  return n
end

--- Does the system take anything?
function x.takes(handle)
  return handle:try_write "x" ~= nil
end

--- Starts a Lua program that prints its port, and ends when its standard input does. `stop` sees to that.
function x.start(path)
  local name = os.tmpname()
  local pipe = assert(io.popen(("%s %s >%s"):format(process.interpreter(), path, name), "w"))
  local port
  repeat
    local file = assert(io.open(name))
    port = file:read "n"
    file:close()
  until port
  return {
    port = port,
    stop = function()
      pipe:close()
      os.remove(name)
    end,
  }
end

--- What a Lua program prints, and how it ends: "exit" or "signal", and the number.
function x.program(text)
  local output, _, how, status = process.run('io.stdout:setvbuf "no"\n' .. text)
  return output, how, status
end

return x
