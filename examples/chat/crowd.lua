-- A crowd of clients, for bench.lua and the spec.
--
--     lua examples/chat/crowd.lua PORT COUNT NAME ROOMS SEED
--
-- connects COUNT clients, called NAME1, NAME2 and so on, who go to one of so many rooms each, and prints "ready". Then
-- each line on standard input is a command, which is answered when it is done:
--   talk N      N times one of them says something
--   kill N      N of them vanish, each in one of the ways there are
--   hear TEXT   waits until all have got a line with that in it
--   deaf ROOM   those in that room read no more
-- It ends when its standard input does.
package.path = (arg[0]:match "^.*[/\\]" or "") .. "../?.lua;" .. package.path

local weir = require "weir"
local luv = require "weir.luv"
local seeded = require "chat.random"

local PORT, COUNT, NAME, ROOMS = math.tointeger(arg[1]), math.tointeger(arg[2]), arg[3], math.tointeger(arg[4])
local AT_ONCE = 100 -- that log in
local random = seeded(math.tointeger(arg[5]))

local clients = {} -- those that are there
local wanted = { text = "", missing = 0 } -- what `hear` waits for

local function mark(client, line)
  if client.heard == wanted or wanted.text == "" or not line:find(wanted.text, 1, true) then return end
  client.heard = wanted
  wanted.missing = wanted.missing - 1
  if wanted.missing == 0 then wanted.all:set() end
end

local function listen(client)
  local ok, err = pcall(function()
    for line in client.stream:lines() do mark(client, line) end
    client.stream:close()
  end)
  if weir.is_cancelled(err) or ok then return end
  if err.name ~= "LuvError" and err.name ~= "ClosedError" then error(err, 0) end
end

local function log_in(number)
  local stream = luv.connect("127.0.0.1", PORT)
  local client = { stream = stream, room = "room" .. random(ROOMS) }
  stream:write { NAME, number, "\n/join ", client.room, "\n" }
  repeat
    local line = assert(stream:read "l", "not let in")
  until line:find "^%* in room"
  client.reader = weir.spawn(listen, client)
  clients[#clients + 1] = client
end

local function take_one() return table.remove(clients, random(#clients)) end

local LINE, HALF = "a line that somebody says\n", "half a li"
local WAYS = {
  function(stream) stream.handle:close_reset() end,
  function(stream) stream:write(HALF) end,
  function(stream)
    stream:write(HALF)
    stream.handle:close_reset()
  end,
  function(stream) stream:write "/quit\n" end,
  function(stream) stream:write { LINE, LINE, LINE } end,
  function() end,
}

local function kill(client)
  pcall(WAYS[random(#WAYS)], client.stream) -- the server may have been faster
  client.stream:close()
end

local commands = {}

function commands.talk(n)
  for _ = 1, n do
    local stream = clients[random(#clients)].stream
    pcall(stream.write, stream, LINE) -- the server may have closed it
    if random(10) == 1 then weir.sleep(0.001) end
  end
end

function commands.kill(n)
  for _ = 1, math.min(n, #clients) do
    kill(take_one())
    if random(10) == 1 then weir.sleep(0.001) end
  end
end

function commands.hear(text)
  wanted = { text = text, missing = #clients, all = weir.Event() }
  weir.await(wanted.all:wait())
end

function commands.deaf(room)
  for _, client in ipairs(clients) do
    if client.room == room then client.reader:pause() end
  end
end

luv.run(function()
  local input = luv.stdio(0)
  local numbers = {}
  for i = 1, COUNT do numbers[i] = i end
  weir.await(weir.map(numbers, log_in, AT_ONCE))
  io.stdout:setvbuf "line"
  print "ready"
  for line in input:lines() do
    local name, argument = line:match "^(%a+) (.*)$"
    commands[name](math.tointeger(tonumber(argument)) or argument)
    print(name)
  end
end)
os.exit(0) -- at once, whoever is left
