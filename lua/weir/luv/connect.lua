--- Connections to somebody.
local check = require "weir.check"
local core = require "weir.core".functions
local loop = require "weir.luv.loop"
local port_of = require "weir.luv.port"
local promisify = require "weir.luv.promisify"
local stream = require "weir.luv.stream"
local uv = require "weir.luv.uv"

local connect = {}

local function await_connected(f, handle, ...)
  local hooks = { withdraw = function() loop.close(handle) end }
  core.await(promisify.call(hooks, f, handle, ...))
  return handle
end

--- Awaits that `f(handle, ...)` has connected; else closes the handle.
--- @return handle, or nil and the error
function connect.try(f, handle, ...)
  local ok, err = pcall(await_connected, f, handle, ...)
  if ok then return handle end
  loop.close(handle)
  return nil, err
end

-- Only a refusal lets the next one be tried: a cancel is for all.
local function is_refusal(err)
  return type(err) == "table" and err.code ~= nil
end

--- Awaits a connection to the first of the addresses that takes it.
--- @param open function that makes a handle for an address
--- @return handle, or nil and the last error
function connect.first(addresses, open)
  local err
  for _, address in ipairs(addresses) do
    local handle
    handle, err = connect.try(uv.tcp_connect, loop.own(open(address)), address.addr, address.port)
    if handle then return handle, address end
    if not is_refusal(err) then error(err, 0) end
  end
  return nil, err
end

local function connect_tcp(host, port)
  local addresses = core.await(promisify.call({}, uv.getaddrinfo, host, port, { socktype = "stream" }))
  return connect.first(addresses, function() return uv.new_tcp() end)
end

local function connect_pipe(path)
  return connect.try(uv.pipe_connect, loop.own(uv.new_pipe()), path)
end

local function stream_of(options, handle, err)
  if not handle then error(err, 0) end
  return stream.new(handle, options.limit)
end

--- Awaits a connection to a host's port, or to a local socket.
--- @return Stream
function connect.connect(host, port, options)
  core.check_await()
  check.that(type(host) == "string", 1, "connect", "string expected")
  local position = type(port) == "table" and 2 or 3
  if position == 2 then port, options = nil, port end
  options = check.options(options, stream.options, position, "connect")
  if port == nil then return stream_of(options, connect_pipe(host)) end
  port = port_of(port)
  check.that(port, 2, "connect", "port expected")
  return stream_of(options, connect_tcp(host, port))
end

return connect
