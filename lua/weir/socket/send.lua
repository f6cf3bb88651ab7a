--- What a connection of weir.socket sends.
local core = require "weir.core".functions
local errors = require "weir.socket.errors"
local loop = require "weir.luv.loop"
local promisify = require "weir.luv.promisify"
local uv = require "weir.luv.uv"

local SLICE = 256 * 1024 -- bytes that are offered to the system at a time
local STEP = 8192 -- those of them that are given to libuv, which then has to keep them

-- Of what the system does not take at once, libuv gets one piece, and no more until that has gone: `rest` is a Deferred
-- of the error, if there was one. The piece cannot be taken back, so it counts as sent. `close` takes `rest` away: then
-- the connection ends behind it.
local function leave_to_libuv(self, piece)
  local handle, rest = self.handle, core.Deferred()
  self.rest = rest
  promisify.call({}, uv.write, handle, piece):add_both(function(ok, err)
    if self.rest ~= rest then return loop.close(handle) end
    self.rest = nil
    core.succeed_with(rest, not ok and errors.of(err) or nil)
  end)
end

-- One who is cancelled here leaves a connection behind that nobody can use.
local function closing(self)
  return setmetatable({}, {
    __close = function(guard)
      if not guard.is_done then self:close() end
    end,
  })
end

-- Awaits that libuv has nothing left. Returns an error, if there is one.
local function await_rest(self, term)
  local guard <close> = closing(self)
  local err = core.await(term:of(core.shield(self.rest)))
  guard.is_done = true
  return err
end

-- Returns how many bytes were taken, by the system or by libuv, or nil and an error.
local function offer(self, slice)
  local taken, message, code = self.handle:try_write(slice)
  if not taken and code ~= "EAGAIN" then return nil, errors.text(message) end
  taken = taken or 0
  if taken == #slice then return taken end
  local piece = slice:sub(taken + 1, taken + STEP)
  leave_to_libuv(self, piece)
  return taken + #piece
end

-- Returns how many bytes have gone, and an error if these are not all, or libuv has not got rid of them.
local function send_all(self, data, term)
  local sent = 0
  repeat
    local err = self.rest and await_rest(self, term)
    if err then return sent, err end
    if self.is_closed then return sent, "closed" end
    local taken
    taken, err = offer(self, data:sub(sent + 1, sent + SLICE))
    if err then return sent, err end
    sent = sent + taken
  until sent == #data
  return sent, self.rest and await_rest(self, term)
end

--- Awaits that the data is sent.
--- @param term of the operation, see limit.lua
--- @return how many bytes of it are, and an error if it is not all
return function(self, data, term)
  local sent, err = send_all(self, data, term)
  self.sent = self.sent + sent
  if sent == #data and err == "timeout" then err = nil end -- the last piece will go
  return sent, err
end
