--- Who is there: the names that are taken, and the rooms.
local Room = require "chat.room"

-- `guests` has sessions under their names in small letters; `count` has all connections, also those without a name;
-- `is_closed` when all have to go.
local House = {}
House.__index = House

--- @param log function that is told what happens
function House.new(options, random, log)
  return setmetatable({ options = options, random = random, log = log, guests = {}, rooms = {}, count = 0,
    is_closed = false }, House)
end

function House:__close() self.is_closed = true end

--- Gives a session its name, if nobody has it.
function House:register(session, name)
  local key = name:lower()
  if self.guests[key] then return false end
  self.guests[key], session.name = session, name
  return true
end

function House:guest(name) return self.guests[name:lower()] end

-- A room is there as long as somebody is in it.
function House:leave_room(session)
  local room = session.room
  if not room then return end
  session.room = nil
  room:remove(session)
  if #room.members == 0 then self.rooms[room.name] = nil end
end

--- Makes the room, if it is not there.
function House:enter_room(session, name)
  self:leave_room(session)
  name = name:lower()
  local room = self.rooms[name] or Room.new(self, name)
  self.rooms[name], session.room = room, room
  room:add(session)
end

--- Takes a session out of everything.
function House:forget(session)
  self:leave_room(session)
  if session.name and self:guest(session.name) == session then self.guests[session.name:lower()] = nil end
end

--- The rooms, by their names.
function House:list_rooms()
  local list = {}
  for _, room in pairs(self.rooms) do list[#list + 1] = room end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

return House
