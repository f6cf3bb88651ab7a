-- A program: the other side of a connection, for clients of LuaSocket and of weir.socket alike. It prints its port.
-- Each line that comes is a command:
--   send TEXT        sends the text, in which \n, \r and \\ stand for what they do in Lua
--   wait SECONDS     sends nothing for that long
--   echo N           sends back the next N bytes
--   count N          reads N bytes, sends the number and a line end
--   stall SECONDS    reads nothing for that long
--   close            closes
--   reset            closes at once, whatever is under way
--   connect PORT TEXT connects to that port of this host, sends the text there and closes
-- It ends when its standard input does.
local uv = require "luv"

local HOST = "127.0.0.1"
local SIGNS = { n = "\n", r = "\r", ["\\"] = "\\" }

local function unescaped(text)
  return (text:gsub("\\(.)", SIGNS))
end

-- Calls f in a while.
local function later(seconds, f)
  local timer = uv.new_timer()
  timer:start(math.floor(seconds * 1000), 0, function()
    timer:close()
    f()
  end)
end

local function visit(port, text)
  local client = uv.new_tcp()
  client:connect(HOST, port, function(err)
    if err then return client:close() end
    client:write(unescaped(text), function() client:close() end)
  end)
end

local Session = {}
Session.__index = Session

local function close(self, how)
  self.is_over = true
  if not self.client:is_closing() then self.client[how](self.client) end
end

local function pause(self, seconds)
  self.is_waiting = true
  later(seconds, function()
    self.is_waiting = false
    if not self.is_over then self:go_on() end
  end)
end

local COMMANDS = {
  send = function(self, text) self.client:write(unescaped(text)) end,
  wait = function(self, seconds) pause(self, tonumber(seconds)) end,
  stall = function(self, seconds)
    self.client:read_stop()
    pause(self, tonumber(seconds))
  end,
  echo = function(self, n) self.to_echo = tonumber(n) end,
  count = function(self, n) self.to_count, self.counted = tonumber(n), 0 end,
  close = function(self) close(self, "close") end,
  reset = function(self) close(self, "close_reset") end,
  connect = function(_, arguments) visit(arguments:match "^(%d+) (.*)") end,
}

-- Takes from what has come what a command before has asked for.
function Session:take()
  local n = self.to_echo or self.to_count - self.counted
  local part = self.text:sub(1, n)
  self.text = self.text:sub(n + 1)
  if self.to_echo then
    self.client:write(part)
    self.to_echo = n - #part > 0 and n - #part or nil
  else
    self.counted = self.counted + #part
    if self.counted == self.to_count then
      self.client:write(self.counted .. "\n")
      self.to_count = nil
    end
  end
end

-- Returns whether there may be more to do.
function Session:step()
  if self.to_echo or self.to_count then
    if self.text == "" then return false end
    self:take()
    return true
  end
  local name, argument, rest = self.text:match "^(%a+) ?([^\n]*)\n(.*)$"
  if not name then return false end
  self.text = rest
  COMMANDS[name](self, argument)
  return true
end

function Session:read()
  self.client:read_start(function(_, data)
    if not data then return close(self, "close") end
    self.text = self.text .. data
    self:go_on()
  end)
end

function Session:go_on()
  repeat until self.is_waiting or self.is_over or not self:step()
  if not (self.is_waiting or self.is_over) then self:read() end
end

local server = uv.new_tcp()
server:bind(HOST, 0)
server:listen(128, function()
  local session = setmetatable({ client = uv.new_tcp(), text = "" }, Session)
  server:accept(session.client)
  session:read()
end)
print(server:getsockname().port)
io.stdout:flush()

local input = uv.new_pipe()
input:open(0)
input:read_start(function(_, data)
  if not data then os.exit(0) end
end)
uv.run()
