--- A console: other processes of the same user look into this one, through a local socket.
-- It is served by callbacks of libuv's, not by coroutines, so what it looks at is the program alone; and its handles
-- keep no loop going.
local check = require "weir.check"
local commands = require "weir.look.commands"
local connect = require "weir.luv.connect"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local loop = require "weir.luv.loop"
local place = require "weir.luv.place"
local uv = require "weir.luv.uv"

local BACKLOG = 8
local LONGEST = 4096 -- bytes of a line
local END = "\n\0"   -- of an answer

-- `bound`: see place.lua. `clients` are the handles of those that are connected. Until it is closed luv holds it, by
-- the callback of its handle.
local Console = {}
Console.__index = Console
Console.__name = "Console"

-- ---- one client ----

local function hang_up(self, client)
  self.clients[client] = nil
  loop.close(client)
end

-- What has been written is sent before.
local function finish(self, client)
  client:read_stop()
  if not client:shutdown(loop.enter(function() hang_up(self, client) end)) then hang_up(self, client) end
end

-- Answers all whole lines of the text; returns what is behind them.
local function answer(self, client, text)
  local first = 1
  for line, behind in text:gmatch "([^\n]*)\n()" do
    local reply = commands(line)
    if not self.clients[client] then return "" end -- what it did has closed the console
    client:write(reply .. END)
    first = behind
  end
  return text:sub(first)
end

local function serve(self, client)
  local text = ""
  client:read_start(loop.enter(function(err, data)
    if err then return hang_up(self, client) end
    if not data then return finish(self, client) end
    text = answer(self, client, text .. data)
    if #text > LONGEST then hang_up(self, client) end
  end))
end

local function on_connection(self, err)
  if err then return end
  local client = loop.own(uv.new_pipe())
  if not self.handle:accept(client) then return loop.close(client) end
  client:unref()
  self.clients[client] = true
  serve(self, client)
end

-- ---- the console ----

-- Removes a socket at which nobody listens any more; raises if anything else is there.
local function make_way(path)
  local kind = place.kind_of(path)
  if not kind then return end
  if kind ~= "socket" then error(failure("EEXIST: there is a " .. kind .. ": " .. path), 0) end
  local handle, err = connect.try(uv.pipe_connect, loop.own(uv.new_pipe()), path)
  if handle then
    loop.close(handle)
    error(failure("EADDRINUSE: somebody listens there: " .. path), 0)
  end
  if err.code ~= "ECONNREFUSED" then error(err, 0) end
  uv.fs_unlink(path)
end

local function listen(self)
  local ok, message = self.handle:listen(BACKLOG, loop.enter(function(err) on_connection(self, err) end))
  if not ok then error(failure(message), 0) end
  self.handle:unref()
end

local function start(self, path)
  self.bound = place.bind(self.handle, path)
  listen(self)
end

--- Awaits a console at a path, where there may be one that nobody listens at any more.
--- @return Console
local function console(path)
  core.check_await()
  check.that(type(path) == "string", 1, "console", "string expected")
  check.that(place.is_valid(path), 1, "console", "not a path for a socket")
  loop.join()
  make_way(path)
  local self = setmetatable({ handle = loop.own(uv.new_pipe()), clients = {} }, Console)
  local ok, err = pcall(start, self, path)
  if ok then return self end
  self:close()
  error(err, 0)
end

--- Hangs up, and removes the socket. A second time nothing happens.
function Console:close()
  check.self(self, Console, "close")
  local handle, bound = self.handle, self.bound
  if not handle then return end
  self.handle, self.bound = nil, nil
  if bound then place.remove(bound) end
  loop.close(handle)
  for client in pairs(self.clients) do loop.close(client) end
  self.clients = {}
end

Console.__close = Console.close
Console.__gc = Console.close

function Console:__tostring()
  check.self(self, Console, "tostring")
  return ("Console: %p (%s)"):format(self, self.bound and self.bound.path or "closed")
end

return console
