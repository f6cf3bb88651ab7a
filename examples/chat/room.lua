--- A room: those who are in it hear each other. A game may be on.
local protocol = require "chat.protocol"
local weir = require "weir"

-- `members` are sessions, in the order in which they came. `game` is there while one is on.
local Room = {}
Room.__index = Room

function Room.new(house, name)
  return setmetatable({ house = house, name = name, members = {} }, Room)
end

-- Awaits that every queue has taken the line.
local function send(self, line, except)
  local waiting = {}
  for _, session in ipairs(self.members) do
    local put = session ~= except and session.outbox:put(line)
    if put and put:status() ~= "success" then waiting[#waiting + 1] = put end
  end
  if #waiting > 0 then weir.await(weir.settle(waiting)) end -- some may end meanwhile
end

--- What a member says, to all others.
function Room:say(session, text)
  send(self, protocol.said(session.name, text), session)
  if self.game then self.game:hear(session.name, text) end
end

--- What the room itself says, to all.
function Room:announce(text)
  send(self, protocol.notice(text))
end

-- Who comes and goes is not so important that anybody should wait for it, nor of interest in a crowd, or when all go.
local function mention(self, session, what)
  if self.house.is_closed or #self.members > self.house.options.quiet then return end
  local line = protocol.notice(session.name .. what)
  for _, other in ipairs(self.members) do
    if other ~= session then other.outbox:offer(line) end
  end
end

function Room:add(session)
  self.members[#self.members + 1] = session
  mention(self, session, " is here")
end

function Room:remove(session)
  for i, member in ipairs(self.members) do
    if member == session then
      table.remove(self.members, i)
      break
    end
  end
  mention(self, session, " has gone")
  if self.game and #self.members == 0 then self.game:stop() end
end

--- The names of those who are here.
function Room:names()
  local list = {}
  for i, session in ipairs(self.members) do list[i] = session.name end
  return list
end

return Room
