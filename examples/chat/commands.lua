--- What a session may ask for: lines that begin with a slash.
local Game = require "chat.anagram"
local protocol = require "chat.protocol"
local weir = require "weir"

local commands = {}

local function sorted_keys(t)
  local list = {}
  for key in pairs(t) do list[#list + 1] = key end
  table.sort(list)
  return list
end

function commands.help(session)
  local names = sorted_keys(commands)
  session:reply("/" .. table.concat(names, " /") .. "; anything else is said to the room")
end

function commands.rooms(session)
  local list = {}
  for i, room in ipairs(session.house:list_rooms()) do list[i] = ("%s (%d)"):format(room.name, #room.members) end
  session:reply("rooms: " .. table.concat(list, ", "))
end

local MOST = 20 -- names that are listed

function commands.who(session)
  local names = session.room:names()
  local more = #names > MOST and (" and %d more"):format(#names - MOST) or ""
  session:reply(("in %s: %s%s"):format(session.room.name, table.concat(names, ", ", 1, math.min(#names, MOST)), more))
end

function commands.join(session, name)
  if not protocol.is_name(name) then return session:reply "/join ROOM: up to 16 letters, digits, _ and -" end
  session.house:enter_room(session, name)
  commands.who(session)
end

function commands.msg(session, argument)
  local name, text = argument:match "^(%S+)%s+(.+)$"
  if not name then return session:reply "/msg NAME TEXT" end
  local other = session.house:guest(name)
  if not other then return session:reply(("there is no %s"):format(name)) end
  weir.await(weir.settle { other.outbox:put(protocol.said(session.name .. ", to you", text)) })
end

function commands.play(session)
  if session.room.game then return session:reply "there is a game on" end
  Game.start(session.room)
end

-- Of a game that is on: has `act` done something?
local function with_game(session, act, what)
  local room = session.room
  if not room.game then return session:reply "there is no game on; /play starts one" end
  if not act(room.game) then return session:reply "it is so already" end
  room:announce(session.name .. what)
end

function commands.pause(session) with_game(session, Game.pause, " holds the game: its time stands still") end

function commands.resume(session) with_game(session, Game.resume, " lets the game go on") end

function commands.stop(session) with_game(session, Game.stop, " has stopped the game") end

--- @return why the session ends
function commands.quit() return "goodbye" end

--- Does what a line asks for.
--- @return nil, or why the session ends
return function(session, text)
  local name, argument = protocol.command_of(text)
  if not name then return session.room:say(session, text) end
  if not commands[name] then return session:reply(("there is no /%s; /help lists what there is"):format(name)) end
  return commands[name](session, argument)
end
