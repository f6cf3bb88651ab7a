--- weir.socket: what LuaSocket's module is to programs that block, for coroutines of weir.
local argument = require "weir.socket.argument"
local check = require "weir.check"
local core = require "weir.core".functions
local dns = require "weir.socket.dns"
local flow = require "weir.socket.flow"
local tcp = require "weir.socket.tcp"
local try = require "weir.socket.try"
local uv = require "weir.luv.uv"

local socket = {
  _VERSION = "LuaSocket 3.0.0",
  BLOCKSIZE = flow.module.BLOCKSIZE,
  dns = { getaddrinfo = dns.getaddrinfo, getnameinfo = dns.getnameinfo, gethostname = dns.gethostname,
    tohostname = dns.tohostname, toip = dns.toip },
  newtry = try.newtry,
  protect = try.protect,
  try = try.newtry(),
  choose = flow.choose,
  sink = flow.sink,
  sinkt = flow.sinkt,
  source = flow.source,
  sourcet = flow.sourcet,
}

flow.module = socket

function socket.tcp() return tcp.new() end
function socket.tcp4() return tcp.new "inet" end
function socket.tcp6() return tcp.new "inet6" end

local FAMILIES = { inet = "inet", inet6 = "inet6" }

-- Closes what is not handed out.
local function handed_out(sock, ok, err)
  if ok then return sock end
  sock:close()
  return nil, err
end

--- Awaits a connection.
--- @return client
function socket.connect(host, port, local_host, local_port, family)
  core.check_await()
  host, port = argument.text(host, 1, "connect"), argument.port(port, 2, "connect")
  local sock, err = tcp.new(FAMILIES[family])
  if not sock then return nil, err end
  if local_host then
    local ok, message = sock:bind(local_host, local_port or 0)
    if not ok then return handed_out(sock, ok, message) end
  end
  return handed_out(sock, sock:connect(host, port))
end

function socket.connect4(host, port, local_host, local_port)
  return socket.connect(host, port, local_host, local_port, "inet")
end

function socket.connect6(host, port, local_host, local_port)
  return socket.connect(host, port, local_host, local_port, "inet6")
end

--- @return server that listens on an address of this host; "*" is all of them
function socket.bind(host, port, backlog)
  host, port = argument.text(host, 1, "bind"), argument.port(port, 2, "bind")
  local sock, message = tcp.new(host == "*" and "inet" or nil)
  if not sock then return nil, message end
  local ok, err = sock:bind(host, port)
  if ok then ok, err = sock:listen(backlog) end
  return handed_out(sock, ok, err)
end

--- Suspends the coroutine.
function socket.sleep(seconds)
  check.that(tonumber(seconds), 1, "sleep", "number expected")
  core.sleep(math.max(tonumber(seconds), 0))
end

--- Seconds since 1970.
function socket.gettime()
  local seconds, microseconds = uv.gettimeofday()
  return seconds + microseconds / 1e6
end

--- Drops its first n arguments.
function socket.skip(n, ...)
  return select(n + 1, ...)
end

--- There is none: a coroutine for each socket does what it is for.
function socket.select()
  error("weir.socket has no 'select': let a coroutine wait for each socket", 2)
end

return socket
