--- Streams of libuv, connections, pipes and terminals, that coroutines read and write.
local check = require "weir.check"
local closed = require "weir.luv.closed"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local Inbox = require "weir.luv.inbox"
local loop = require "weir.luv.loop"
local name_of = require "weir.luv.name"
local promisify = require "weir.luv.promisify"
local uv = require "weir.luv.uv"

-- For the way of a message from one side to the other, which is to be short.
local await, check_await, check_write, try_write = core.await, core.check_await, core.check_write, uv.try_write

local LIMIT = 64 * 1024
local NO_HOOKS = {}

local Stream = {}
Stream.__index = Stream
Stream.__name = "Stream"

--- @param handle of luv, which from now on belongs to the Stream
--- @param limit of bytes that are kept for who reads later, and of a line; nil: as usual
local function new(handle, limit)
  limit = limit or LIMIT
  return setmetatable({ handle = handle, inbox = Inbox.new(handle, limit, limit) }, Stream)
end

-- A Stream that is open has a handle.
local function check_open(self, name)
  check.self(self, Stream, name)
  if not self.handle then error(closed "the stream", 0) end
end

-- ---- reading ----

local function check_read(self, level)
  if not self.handle then error(closed "the stream", 0) end
  if self.inbox:is_awaited() then
    error("attempt to read from a stream that another coroutine reads from", level or 3)
  end
end

local function take_all(inbox)
  return inbox.buffer:take(inbox.buffer.size)
end

local function raise_failure(inbox)
  if inbox.err then error(inbox.err, 0) end
end

local function read_some(self, seconds)
  local inbox = self.inbox
  if inbox.buffer.size > 0 then return take_all(inbox) end
  local piece = not inbox.ended and await(inbox:wait_for_some(self), seconds)
  if piece then return piece end
  raise_failure(inbox)
  return nil
end

local function wait_for(self, want, seconds)
  if not self.inbox:has(want) then await(self.inbox:wait_for(want, self), seconds) end
  return self.inbox
end

local function read_all(self, seconds)
  local inbox = wait_for(self, math.huge, seconds)
  raise_failure(inbox)
  return take_all(inbox)
end

local function read_exactly(self, n, seconds)
  local inbox = wait_for(self, n, seconds)
  if inbox.buffer.size >= n then return inbox.buffer:take(n) end
  raise_failure(inbox)
  return nil, take_all(inbox)
end

-- With the delimiter. What is too long is so in whichever pieces it comes.
local function read_to(self, delimiter, seconds)
  local inbox = wait_for(self, delimiter, seconds)
  local length = inbox.buffer:find(delimiter)
  if (length and length - #delimiter or inbox.buffer.size) > inbox.longest then error(failure "EMSGSIZE", 0) end
  if length then return inbox.buffer:take(length) end
  raise_failure(inbox)
  return nil, take_all(inbox)
end

-- The last one may have no end, as with Lua's own files.
local function read_line(self, seconds)
  local line, left = read_to(self, "\n", seconds)
  if line or left == "" then return line end
  return left
end

local FORMATS = {
  l = function(self, seconds)
    local line = read_line(self, seconds)
    if line and line:byte(-1) == 10 then return line:sub(1, -2) end
    return line
  end,
  L = read_line,
  a = read_all,
}

--- Awaits what is asked for: some bytes, `n` bytes, a line ("l", "L") or all there will be ("a").
--- @return string, or nil at the end
function Stream:read(what, seconds)
  check_await()
  if getmetatable(self) ~= Stream then check.self(self, Stream, "read") end
  if seconds ~= nil then check.seconds(seconds, 2, "read") end
  check_read(self)
  if what == nil then return read_some(self, seconds) end
  if FORMATS[what] then return FORMATS[what](self, seconds) end
  check.that(type(what) == "number", 1, "read", 'number, "l", "L" or "a" expected')
  return read_exactly(self, check.integer(what, 0, 1, "read"), seconds)
end

--- Awaits the delimiter.
--- @return string that stands before it; nil and what there is if none comes
function Stream:read_until(delimiter, seconds)
  check_await()
  check.self(self, Stream, "read_until")
  check.seconds(seconds, 2, "read_until", true)
  check_read(self)
  check.that(type(delimiter) == "string" and #delimiter > 0, 1, "read_until", "string with something in it expected")
  local part, left = read_to(self, delimiter, seconds)
  if part then return part:sub(1, -#delimiter - 1) end
  return nil, left
end

--- For a generic `for` that awaits some bytes, again and again up to the end.
function Stream:iter()
  check.self(self, Stream, "iter")
  return self.inbox:taker(function()
    check_read(self, 4)
    return read_some(self)
  end)
end

--- For a generic `for` that awaits each line.
function Stream:lines()
  check.self(self, Stream, "lines")
  return function()
    check_await()
    check_read(self)
    return FORMATS.l(self)
  end
end

-- ---- writing ----

-- libuv cancels what is under way when the Stream is closed.
local function await_done(self, seconds, f, ...)
  local ok, err = pcall(await, promisify.call(NO_HOOKS, f, self.handle, ...), seconds)
  if ok then return end
  if not self.handle and type(err) == "table" and err.code == "ECANCELED" then err = closed "the stream" end
  error(err, 0)
end

-- libuv keeps what the system did not take, and cannot be told to forget it.
local function write_rest(self, data, taken, seconds)
  if taken and taken > 0 then data = data:sub(taken + 1) end
  await_done(self, seconds, uv.write, data)
end

local function text_of(data)
  local ok, text = pcall(table.concat, data)
  return ok and text
end

--- Awaits that all of it has been handed to the system.
function Stream:write(data, seconds)
  local is_text = check_write(data)
  local handle = self and self.handle
  if not handle then check_open(self, "write") end
  if not is_text then
    data = text_of(data)
    check.that(data, 1, "write", "string or list of strings expected")
  end
  if seconds ~= nil then check.seconds(seconds, 2, "write") end
  if not loop.is_in then loop.join() end -- or a connection that is gone ends the process
  local taken, message, code = try_write(handle, data)
  if taken and taken >= #data then return end
  if not taken and code ~= "EAGAIN" then error(failure(message), 0) end
  write_rest(self, data, taken, seconds)
end

--- Awaits that all has been written, and tells the other side that no more will be.
function Stream:shutdown()
  check_await()
  check_open(self, "shutdown")
  await_done(self, nil, uv.shutdown)
end

-- ---- the rest ----

function Stream:getpeername()
  check_open(self, "getpeername")
  return name_of(self.handle:getpeername())
end

function Stream:getsockname()
  check_open(self, "getsockname")
  return name_of(self.handle:getsockname())
end

--- Ends both sides at once. What has not been written is lost. A second time nothing happens.
function Stream:close()
  check.self(self, Stream, "close")
  local handle = self.handle
  if not handle then return end
  self.handle = nil
  self.inbox:finish(closed "the stream")
  loop.close(handle)
end

Stream.__close = Stream.close

function Stream:__tostring()
  check.self(self, Stream, "tostring")
  return ("Stream: %p (%s)"):format(self, self.handle and tostring(self.handle) or "closed")
end

function Stream:__gc()
  if not loop.is_over() then self:close() end
end

-- `options`: those that whatever makes a Stream has, see check.options.
return { new = new, class = Stream, options = { limit = 1 } }
