--- One connection: from its first byte to its last.
local Outbox = require "chat.outbox"
local Pace = require "chat.pace"
local obey = require "chat.commands"
local protocol = require "chat.protocol"
local weir = require "weir"

local LOBBY = "lobby"
local SEND_BUFFER = 65536 -- what the system keeps for one who does not read

-- `name` and `room` are there from the login on.
local Session = {}
Session.__index = Session

local function new(house, stream)
  local me, options = weir.current(), house.options
  house.count = house.count + 1
  stream.handle:send_buffer_size(SEND_BUFFER)
  stream.handle:nodelay(true) -- what is said goes out at once
  return setmetatable({
    house = house,
    stream = stream,
    outbox = Outbox.new(stream, options, function(reason) me:cancel(reason, options.farewell + 1) end),
    pace = Pace.new(options.rate, options.burst),
  }, Session)
end

-- Whatever ends it, and without any wait.
function Session:__close()
  self.house:forget(self)
  self.house.count = self.house.count - 1
  self.outbox:close()
  self.stream:close()
end

--- Awaits that the connection's queue has taken a line of the server's.
function Session:reply(text)
  weir.await(self.outbox:put(protocol.notice(text)))
end

-- Awaits a text that is not empty; nil at the end. One who vanishes in the middle of a line has not said it.
local function next_text(self)
  while true do
    local line = self.stream:read("L", self.house.options.idle)
    if not line or line:byte(-1) ~= 10 then return nil end
    self.pace:wait()
    local text, complaint = protocol.text_of(line)
    if complaint then self:reply(complaint) end
    if text and text ~= "" then return text end
  end
end

-- Returns whether it has a name now.
local function log_in(self)
  self:reply "welcome; what is your name?"
  for name in next_text, self do
    if not protocol.is_name(name) then
      self:reply "up to 16 letters, digits, _ and -, a letter first; what is your name?"
    elseif not self.house:register(self, name) then
      self:reply(("%s is here already; what is your name?"):format(name))
    else
      return true
    end
  end
  return false
end

-- Returns why it ends.
local function converse(self)
  if not weir.await(weir.spawn(log_in, self), self.house.options.login) then return "goodbye" end
  self.house.log(("%s: in, from %s:%d"):format(self.name, self.stream:getpeername()))
  self:reply(("hello %s, this is the %s; /help tells what you can do"):format(self.name, LOBBY))
  self.house:enter_room(self, LOBBY)
  for text in next_text, self do
    local reason = obey(self, text)
    if reason then return reason end
  end
  return "goodbye"
end

local SILENT, ENDLESS = "you have been silent for too long", "your line does not end"

-- What the other side is to be told, and what the log. A connection that has failed can be told nothing.
local function explain(err)
  if type(err) ~= "table" then return "something went wrong here", tostring(err) end
  if err.name == "TimeoutError" then return SILENT, SILENT end
  if err.code == "EMSGSIZE" then return ENDLESS, ENDLESS end
  if err.name == "LuvError" then return nil, err.message end
  return "something went wrong here", tostring(err)
end

-- The same, of what `converse` has returned or raised. Who cancels a session gives as the reason what it is to be told,
-- or an error.
local function why(ok, result)
  if ok then return result, result end
  if not weir.is_cancelled(result) then return explain(result) end
  if type(result.reason) == "string" then return result.reason, result.reason end
  return explain(result.reason)
end

local function say_farewell(self, text)
  weir.await(self.outbox:finish(protocol.notice(text)))
  self.stream:shutdown()
  while self.stream:read() do end -- closed before the other side does it, what it sends would wipe out what we sent
end

-- Unless the connection has failed there is some time to hear why it ends.
local function part(self, text)
  self.house:forget(self)
  if text then pcall(weir.await, weir.spawn(say_farewell, self, text), self.house.options.farewell) end
end

--- The coroutine of a connection. It fails in no case: the others are not to end with it.
return weir.coroutine(function(house, stream)
  local self <close> = new(house, stream)
  local text, reason = "the house is full, come again later", "full"
  if house.count <= house.options.most then text, reason = why(pcall(converse, self)) end
  house.log(("%s: out, %s"):format(self.name or "nobody", reason))
  part(self, text)
end, "session")
