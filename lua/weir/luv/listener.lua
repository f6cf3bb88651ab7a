--- Connections that come in on a handle of libuv, and those who wait for them.
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local Line = require "weir.line"
local loop = require "weir.luv.loop"
local uv = require "weir.luv.uv"

-- `come`: how many connections libuv has told of and not been asked for; it tells of one at a time. `owner` must not be
-- collected while somebody waits.
local Listener = {}
Listener.__index = Listener

-- libuv looks for connections in any case, but keeps no loop alive while nobody wants one.
local function keep_alive(self)
  if self.line.count > 0 then
    self.handle:ref()
  else
    self.owner = nil
    self.handle:unref()
  end
end

local function accept(self)
  local handle = loop.own(self.is_pipe and uv.new_pipe() or uv.new_tcp())
  local ok, message = self.handle:accept(handle)
  self.come = self.come - 1
  if ok then return handle end
  handle:close()
  return nil, failure(message)
end

local function serve(self)
  while self.come > 0 do
    local entry = self.line:front()
    if not entry then return end
    local handle, err = accept(self)
    local deferred = self.line:take(entry)
    if handle then
      core.succeed_with(deferred, self.wrap(handle))
    else
      core.fail_with(deferred, err)
    end
  end
end

local function serve_and_rest(self)
  if self.is_closed or loop.is_over() then return end
  serve(self)
  keep_alive(self)
end

local function on_connection(self, err)
  if err then return end -- of one connection, which is gone
  self.come = self.come + 1
  serve_and_rest(self)
  core.finish()
end

--- @param wrap makes what is wanted of the handle of a connection
function Listener.new(handle, wrap)
  loop.join()
  loop.own()
  local self = setmetatable({ handle = handle, wrap = wrap, come = 0, is_closed = false }, Listener)
  self.is_pipe = uv.handle_get_type(handle) == "pipe"
  local function on_change() serve_and_rest(self) end
  self.line = Line.new("Server:accept", on_change, on_change)
  return self
end

--- @return nil, or a message
function Listener:start(backlog)
  local on_event = loop.enter(function(err) on_connection(self, err) end)
  local ok, message = self.handle:listen(backlog, on_event)
  if not ok then return message end
  self.handle:unref()
end

--- @return Deferred of a connection; of nothing, when it is closed
function Listener:accept(owner)
  local deferred = self.line:join()
  self.owner = owner
  serve_and_rest(self)
  return deferred
end

function Listener:close()
  self.is_closed = true
  loop.close(self.handle)
  for _, entry in ipairs(self.line:take_all()) do core.succeed_with(entry.deferred) end
  core.finish()
end

return Listener
