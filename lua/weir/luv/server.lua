--- Sockets that listen.
local awaited = require "weir.awaited"
local check = require "weir.check"
local closed = require "weir.luv.closed"
local collect = require "weir.collect"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local Listener = require "weir.luv.listener"
local loop = require "weir.luv.loop"
local name_of = require "weir.luv.name"
local port_of = require "weir.luv.port"
local Semaphore = require "weir.semaphore"
local streams = require "weir.luv.stream"
local uv = require "weir.luv.uv"
local watch = require "weir.watch"

local BACKLOG = 512
local OPTIONS = { backlog = 1, limit = streams.options.limit }

local Server = {}
Server.__index = Server
Server.__name = "Server"

--- Awaits the next connection.
--- @return Stream, or nil when the Server has been closed
function Server:accept(seconds)
  core.check_await()
  check.self(self, Server, "accept")
  check.seconds(seconds, 1, "accept", true)
  if self.closed then return nil end
  return core.await(self.listener:accept(self), seconds)
end

--- For a generic `for` that awaits each connection.
function Server:iter()
  check.self(self, Server, "iter")
  return function() return self:accept() end
end

-- The coroutines that `serve` has started and that have not ended: co -> the number under which it was started.
local function in_order(live)
  local list = {}
  for co in pairs(live) do list[#list + 1] = co end
  table.sort(list, function(a, b) return live[a] < live[b] end)
  return list
end

local function on_close(f)
  return setmetatable({}, { __close = f })
end

local function handle_stream(self, stream, f, number)
  local me = core.current()
  self.live[me] = number
  local _ <close> = stream
  local _ <close> = on_close(function()
    self.live[me] = nil
    if self.permits then self.permits:release() end
  end)
  awaited(f(stream))
end

-- Fires when all of them have ended. Who hears of a failure is up to each.
local function ended(list)
  local keys = {}
  for i = 1, #list do keys[i] = i end
  local join, put = collect(keys, "serve")
  watch(join, list, keys, function(key, _, ok)
    if ok or not core.leaving(join) then put(key, ok) end
  end)
  return core.finish(join)
end

-- Whatever ends `serve`, all that it has started ends before.
local function end_all(self, err)
  local list = in_order(self.live)
  if not self.is_over then
    for _, co in ipairs(list) do co:cancel(err) end
  end
  pcall(core.await, ended(list)) -- in a forced close nobody can wait
end

local function next_stream(self)
  if self.permits then core.await(self.permits:acquire()) end
  return self.server:accept()
end

--- Awaits connections, and starts f(stream) as a coroutine for each, behind which that is closed. When the Server has
--- been closed it waits for those that run; a cancel cancels them.
--- @param limit how many may run at the same time
function Server:serve(f, limit)
  core.check_await()
  check.self(self, Server, "serve")
  check.callable(f, 1, "serve")
  local job = { server = self, live = {} }
  if limit ~= nil then job.permits = Semaphore(check.integer(limit, 1, 2, "serve")) end
  local _ <close> = on_close(function(_, err) end_all(job, err) end)
  local number = 0
  for stream in next_stream, job do
    number = number + 1
    core.spawn(handle_stream, job, stream, f, number)
  end
  job.is_over = true
end

function Server:getsockname()
  check.self(self, Server, "getsockname")
  if self.closed then error(closed "the server", 0) end
  return name_of(self.handle:getsockname())
end

--- Takes no more connections. A second time nothing happens.
function Server:close()
  check.self(self, Server, "close")
  if self.closed then return end
  self.closed = true
  self.listener:close()
end

Server.__close = Server.close

function Server:__gc()
  if not loop.is_over() then self:close() end
end

function Server:__tostring()
  check.self(self, Server, "tostring")
  return ("Server: %p (%s)"):format(self, self.closed and "closed" or tostring(self.handle))
end

-- ---- making it ----

local function bound_tcp(host, port)
  local hints = { socktype = "stream", passive = true }
  local addresses, message = uv.getaddrinfo(host ~= "*" and host or nil, port, hints)
  if not addresses then return nil, message end
  local handle = uv.new_tcp()
  return handle, select(2, handle:bind(addresses[1].addr, addresses[1].port or 0)) -- luv tells of no port 0
end

local function bound_pipe(path)
  local handle = uv.new_pipe()
  return handle, select(2, handle:bind(path))
end

local function new(handle, options)
  local function stream_of(connection) return streams.new(connection, options.limit) end
  return setmetatable({ handle = handle, listener = Listener.new(handle, stream_of), closed = false }, Server)
end

local function listen_on(options, handle, message)
  if not handle then error(failure(message), 0) end
  local self = new(handle, options)
  message = message or self.listener:start(options.backlog or BACKLOG)
  if not message then return self end
  self:close()
  error(failure(message), 0)
end

local KINDS = { tcp = true, pipe = true }

-- A handle that is bound already, by this process or by the one that it has it from.
local function is_handle(value)
  local ok, kind = pcall(uv.handle_get_type, value)
  return type(value) == "userdata" and ok and KINDS[kind] ~= nil
end

--- Listens on a port of an address of this host, on a local socket, or with a handle of luv's.
--- @return Server
local function listen_at(host, port, options)
  local position = type(port) == "table" and 2 or 3
  if position == 2 then port, options = nil, port end
  options = check.options(options, OPTIONS, position, "listen")
  if is_handle(host) then return listen_on(options, host) end
  check.that(type(host) == "string", 1, "listen", "string expected")
  if port == nil then return listen_on(options, bound_pipe(host)) end
  port = port_of(port)
  check.that(port, 2, "listen", "port expected")
  return listen_on(options, bound_tcp(host, port))
end

return listen_at
