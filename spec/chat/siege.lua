-- A program for chat_spec.lua: examples/chat with so many connections, whose clients vanish in every way there is. It
-- ends well if nothing is left of them; else it says what is.
--
--     lua spec/chat/siege.lua COUNT SEED
local weir = require "weir"
local luv = require "weir.luv"
local core = require "weir.core".functions
local Game = require "chat.anagram"
local Server = require "chat.server"
local options = require "chat.options"
local seeded = require "chat.random"
local uv = luv.uv

local COUNT, SEED = math.tointeger(arg[1]), math.tointeger(arg[2])
local CROWDS, ROOM = 4, 20 -- processes; how many in a room, about
local EACH = COUNT // CROWDS
local LINES = 1500 -- of 1,000 bytes: more than the systems on both sides keep for one
local random = seeded(SEED)

local LIVE = { running = true, ready = true, waiting = true, paused = true }

local started = setmetatable({}, { __mode = "k" }) -- all coroutines
core.track(started)

local unhandled = {}
weir.on_unhandled(function(err, traceback) table.insert(unhandled, tostring(err) .. traceback) end)

-- ---- what there is ----

local function collect()
  for _ = 1, 4 do collectgarbage() end
end

local function sorted(list)
  table.sort(list)
  return table.concat(list, "\n")
end

local function open_handles()
  local list = {}
  uv.walk(function(handle)
    if not handle:is_closing() then list[#list + 1] = uv.handle_get_type(handle) end
  end)
  return sorted(list)
end

local function open_files()
  local list = {}
  for name in uv.fs_scandir_next, assert(uv.fs_scandir "/proc/self/fd") do
    local target = uv.fs_readlink("/proc/self/fd/" .. name) -- not of the directory itself: it is closed by now
    if target then list[#list + 1] = target:match "^%a+:" or target end
  end
  return sorted(list)
end

local function live_coroutines()
  local list = {}
  for co in pairs(started) do
    if LIVE[co:status()] and co ~= weir.current() then list[#list + 1] = co:traceback():match "[^\n]*\n(.*)" end
  end
  return sorted(list)
end

local function inventory()
  collect()
  return { handles = open_handles(), files = open_files(), coroutines = live_coroutines() }
end

local function compare(before, now)
  for name, list in pairs(before) do
    assert(list == now[name], ("%s\n-- before:\n%s\n-- now:\n%s"):format(name, list, now[name]))
  end
end

-- ---- the clients ----

local Crowd = {}
Crowd.__index = Crowd

local function environment()
  local list = { "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath }
  for name, value in pairs(uv.os_environ()) do
    if not name:find "^LUA_C?PATH" then list[#list + 1] = name .. "=" .. value end
  end
  return list
end

local function start_crowd(port, number)
  local process = luv.spawn(arg[-1], { stdio = { "pipe", "pipe", "inherit" }, env = environment(),
    args = { "examples/chat/crowd.lua", tostring(port), tostring(EACH), ("crowd%d-"):format(number),
      tostring(math.max(1, COUNT // ROOM)), tostring(SEED + number) } })
  return setmetatable({ process = process }, Crowd)
end

function Crowd:answer(text)
  local line = self.process.stdout:read "l"
  assert(line == text, ("a crowd says %s, not %s"):format(line, text))
end

function Crowd:ask(command, argument)
  self.process.stdin:write { command, " ", argument, "\n" }
  self:answer(command)
end

function Crowd:finish()
  self.process.stdin:close()
  self.process.stdout:close()
  return weir.await(self.process.exited)
end

-- ---- what happens ----

local function watch(house, weak)
  for _, session in pairs(house.guests) do weak[session] = true end
  for _, room in pairs(house.rooms) do
    weak[room] = true
    if random(2) == 1 then
      Game.start(room)
      weak[room.game] = true
    end
    if random(4) == 1 and room.game then room.game:pause() end
  end
end

local function count_members(room, pattern)
  local n = 0
  for _, name in ipairs(room:names()) do n = n + (name:find(pattern) and 1 or 0) end
  return n
end

-- Those of the first crowd who are in a room read no more: they are thrown out, and only they.
local function flood(house, crowd)
  local room = house.rooms.room1
  local all, deaf = #room.members, count_members(room, "^crowd1%-")
  crowd:ask("deaf", "room1")
  for _ = 1, LINES do room:announce(("x"):rep(1000)) end
  assert(count_members(room, "^crowd1%-") == 0 and #room.members == all - deaf)
  return deaf
end

local function random_sleep() weir.sleep(random(100) / 1000) end

-- At random moments: clients of all are killed one by one, two of the processes as a whole.
local function storm(crowds)
  weir.await(weir.scope(function(scope)
    for number, crowd in ipairs(crowds) do
      scope:spawn(function()
        random_sleep()
        local ok, err = pcall(function()
          for _ = 1, 5 do
            crowd:ask("talk", EACH // 5)
            crowd:ask("kill", EACH // 5)
          end
          crowd:ask("kill", EACH)
        end)
        assert(ok or crowd.is_dead, err)
      end)
      if number > 2 then
        scope:spawn(function()
          random_sleep()
          crowd.is_dead = true
          crowd.process:kill "sigkill"
        end)
      end
    end
  end))
end

local function wait_for_nobody(house)
  local ends = weir.now() + 10
  while house.count > 0 do
    assert(weir.now() < ends, ("%d connections are left"):format(house.count))
    weir.sleep(0.01)
  end
end

-- A client as there are others, whom nothing has happened to.
local function visit(host, port)
  local stream <close> = luv.connect(host, port)
  stream:write "visitor\n/quit\n"
  local lines = stream:read "a"
  assert(lines:find "hello visitor.*goodbye\n$", lines)
end

local function seconds_of(f, ...)
  local start = weir.now()
  local result = f(...)
  return weir.now() - start, result
end

local function siege()
  local server = Server.new(options.new { port = 0, most = COUNT, rate = math.huge, patience = 0.5, seed = SEED },
    function() end)
  local host, port = server:address()
  local task = weir.spawn(server.run, server)
  local crowds, weak = {}, setmetatable({}, { __mode = "k" })
  visit(host, port)
  wait_for_nobody(server.house)
  local before = inventory()

  print(("%.1f s until all are in"):format(seconds_of(function()
    for i = 1, CROWDS do crowds[i] = start_crowd(port, i) end
    for _, crowd in ipairs(crowds) do crowd:answer "ready" end
  end)))
  assert(server.house.count == CROWDS * EACH)
  watch(server.house, weak)
  local took, dropped = seconds_of(flood, server.house, crowds[1])
  print(("%.1f s to drop %d who do not read"):format(took, dropped))
  print(("%.1f s in which all are killed"):format(seconds_of(function()
    storm(crowds)
    wait_for_nobody(server.house)
  end)))
  for i, crowd in ipairs(crowds) do
    local status, signal = crowd:finish()
    assert(status == 0 and (signal == (i > 2 and 9 or 0)), signal)
  end
  crowds = nil

  assert(not next(server.house.guests) and not next(server.house.rooms), "somebody is still listed")
  compare(before, inventory())
  assert(not next(weak), "a session, room or game is still held")
  visit(host, port)
  task:cancel()
  pcall(weir.await, task)
end

luv.run(siege)
collect()
luv.run(weir.sleep, 0.01)
luv.detach()
uv.run "nowait"
assert(open_handles() == "", open_handles())
assert(live_coroutines() == "", live_coroutines())
assert(#unhandled == 0, unhandled[1])
print "nothing is left"
