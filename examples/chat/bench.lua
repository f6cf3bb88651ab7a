-- What a connection costs, a broadcast, and doing nothing: `make bench-chat`. The server is in this process, the
-- clients are in another one.
--
--     lua examples/chat/bench.lua [COUNT]
package.path = (arg[0]:match "^.*[/\\]" or "") .. "../?.lua;" .. package.path

local weir = require "weir"
local luv = require "weir.luv"
local Server = require "chat.server"
local options = require "chat.options"
local uv = luv.uv

local COUNT = math.tointeger(tonumber(arg[1])) or 2000
local ROUNDS, QUIET = 21, 10 -- broadcasts; seconds
local HERE = arg[0]:match "^.*[/\\]" or ""

local function collect()
  for _ = 1, 4 do collectgarbage() end
end

local function memory()
  collect()
  return collectgarbage "count", uv.resident_set_memory() / 1024
end

-- Seconds of processor time of this process.
local function processor()
  local usage = uv.getrusage()
  return usage.utime.sec + usage.stime.sec + (usage.utime.usec + usage.stime.usec) / 1e6
end

local function environment()
  local list = { "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath }
  for name, value in pairs(uv.os_environ()) do
    if not name:find "^LUA_C?PATH" then list[#list + 1] = name .. "=" .. value end
  end
  return list
end

local function start_crowd(port)
  local crowd = luv.spawn(arg[-1], { stdio = { "pipe", "pipe", "inherit" }, env = environment(),
    args = { HERE .. "crowd.lua", tostring(port), tostring(COUNT), "guest", "1", "1" } })
  assert(crowd.stdout:read "l" == "ready")
  return crowd
end

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

-- Milliseconds until all have it, and of processor time here.
local function broadcast(crowd, room, number)
  local text = ("broadcast %d."):format(number)
  crowd.stdin:write { "hear ", text, "\n" }
  weir.sleep(0.05)
  local start, used = uv.hrtime(), processor()
  room:announce(text)
  assert(crowd.stdout:read "l" == "hear")
  return (uv.hrtime() - start) / 1e6, (processor() - used) * 1e3
end

local function report(text, ...) print(text:format(...)) end

luv.run(function()
  local server = Server.new(options.new { port = 0, most = COUNT }, function() end)
  local task = weir.spawn(server.run, server)
  local lua, resident = memory()
  local crowd = start_crowd(select(2, server:address()))
  local lua_all, resident_all = memory()
  report("%d connections, each with a name, in one room", server.house.count)
  report("memory of a connection: %.1f KB of Lua's, %.1f KB resident", (lua_all - lua) / COUNT,
    (resident_all - resident) / COUNT)

  local times, work = {}, {}
  for i = 1, ROUNDS do times[i], work[i] = broadcast(crowd, server.house.rooms.room1, i) end
  report("a line to all: %.1f ms until the last has read it, %.1f ms of the server's processor time (medians of %d)",
    median(times), median(work), ROUNDS)

  collect()
  local used = processor()
  weir.sleep(QUIET)
  report("%d s in which nobody says anything: %.1f ms of processor time", QUIET, (processor() - used) * 1e3)

  local start = uv.hrtime()
  task:cancel "goodbye"
  pcall(weir.await, task)
  report("all told goodbye and gone: %.0f ms", (uv.hrtime() - start) / 1e6)
  crowd.stdin:close()
  crowd.stdout:close()
  weir.await(crowd.exited)
end)
