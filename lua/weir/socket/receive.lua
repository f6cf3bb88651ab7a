--- What a connection of weir.socket receives, in the patterns of LuaSocket.
local core = require "weir.core".functions
local errors = require "weir.socket.errors"

-- Awaits more; returns an error if the time is over.
local function await_more(self, want, term)
  local inbox, timer = self.inbox, term:timer()
  local size = inbox.buffer.size
  core.await(inbox:wait_for(timer and size + 1 or want, self, timer))
  term:shift(inbox.held_for)
  return not inbox.ended and inbox.buffer.size == size and "timeout" or nil
end

-- Awaits what is wanted. Returns an error if it has not come.
local function fill(self, want, term)
  local inbox = self.inbox
  while not inbox:has(want) do
    local err = await_more(self, want, term)
    if err then return err end
  end
  if not inbox.ended then return nil end
  return inbox.err and errors.of(inbox.err) or "closed"
end

local function take(self, n)
  self.received = self.received + n
  return self.inbox.buffer:take(n)
end

local function take_all(self)
  return take(self, self.inbox.buffer.size)
end

-- `term`: of the operation, see limit.lua.
local receive = {}

--- Awaits a line, which comes without CR and LF.
--- @return nil or an error, and what there is
function receive.line(self, term)
  local err = fill(self, "\n", term)
  local stop = self.inbox.buffer:find "\n"
  if stop then return nil, (take(self, stop):sub(1, -2):gsub("\r", "")) end
  return err, (take_all(self):gsub("\r", ""))
end

--- Awaits all up to the end, if that is one.
function receive.all(self, term)
  local err = fill(self, math.huge, term)
  local text = take_all(self)
  if err == "closed" and not self.inbox.err and #text > 0 then return nil, text end
  return err, text
end

--- Awaits n bytes; for none, as LuaSocket does, that there are some.
function receive.bytes(self, term, n)
  local err = fill(self, math.max(n, 1), term)
  local size = self.inbox.buffer.size
  if size >= n and size > 0 then return nil, take(self, n) end
  return err, take_all(self)
end

return receive
