--- LuaSocket's TCP object, which awaits where that one blocks.
local argument = require "weir.socket.argument"
local check = require "weir.check"
local core = require "weir.core".functions
local dns = require "weir.socket.dns"
local errors = require "weir.socket.errors"
local Inbox = require "weir.luv.inbox"
local Limit = require "weir.socket.limit"
local Listener = require "weir.luv.listener"
local loop = require "weir.luv.loop"
local options = require "weir.socket.options"
local promisify = require "weir.luv.promisify"
local receive = require "weir.socket.receive"
local send = require "weir.socket.send"
local uv = require "weir.luv.uv"

local READ_AHEAD = 64 * 1024
local BACKLOG, MOST_BACKLOG = 32, 0x7fffffff

-- `class`: "master", then "client" or "server". `handle` is made when the family of addresses is known; a client has an
-- `inbox`, a server a `listener`. `attempt`: of the `connect` under way, until `close`.
local Tcp = {}
Tcp.__index = Tcp
Tcp.__name = "tcp"

local tcp = {}

-- ---- what it is ----

local function check_class(self, class, name)
  if getmetatable(self) == Tcp and (class == "any" or self.class == class) then return end
  error(("calling '%s' on bad self (tcp{%s} expected)"):format(name, class), 3)
end

local function new(class, family)
  return setmetatable({
    class = class, family = family, options = {}, limit = Limit.new(), is_closed = false,
    sent = 0, received = 0, birthday = core.now(),
  }, Tcp)
end

local function drop_handle(self, handle)
  loop.close(handle)
  if self.handle == handle then self.handle = nil end
end

local function new_handle(self, family)
  local handle, message = uv.new_tcp(family)
  if not handle then return nil, errors.text(message) end
  self.handle, self.family = loop.own(handle), family
  options.apply(self)
  return handle
end

-- One that it has closed is gone.
local function handle_for(self, address)
  self.is_closed = false
  if self.handle and self.family == address.family then return self.handle end
  if self.handle then drop_handle(self, self.handle) end
  return new_handle(self, address.family)
end

--- @param family "inet", "inet6", or nil for the one that an address will have
--- @return object that is neither connected nor listens, or nil and an error
function tcp.new(family)
  loop.join()
  local self = new("master", family)
  if family then
    local handle, err = new_handle(self, family)
    if not handle then return nil, err end
  end
  return self
end

-- One who was waiting for something has been cancelled: what comes for it must not be taken for another's.
local function become_client(self, handle)
  self.class, self.handle = "client", handle
  self.inbox = Inbox.new(handle, READ_AHEAD, math.huge, Tcp.close)
end

local function client_of(family, handle)
  local self = new("client", family)
  become_client(self, handle)
  return self
end

function Tcp:__tostring()
  check_class(self, "any", "tostring")
  return ("tcp{%s}: %p"):format(self.class, self)
end

-- ---- addresses ----

-- luv leaves out a port 0.
local function bind_to(self, address)
  local handle, err = handle_for(self, address)
  if not handle then return err end
  local flags = { ipv6only = address.family == "inet6" and self.options["ipv6-v6only"] ~= false }
  local ok, message = handle:bind(address.addr, address.port or 0, flags)
  if ok then ok, message = handle:getsockname() end -- libuv keeps some errors back
  return not ok and errors.text(message) or nil
end

local function bind(self, host, port)
  local hints = { socktype = "stream", family = self.family, passive = true }
  local addresses, message = uv.getaddrinfo(host ~= "*" and host or nil, port, hints)
  if not addresses then return nil, errors.of_name(message) end
  local err
  for _, address in ipairs(addresses) do
    err = bind_to(self, address)
    if not err then return 1 end
  end
  return nil, err
end

--- Takes an address of this host for its own; "*" is all of them.
function Tcp:bind(host, port)
  check_class(self, "master", "bind")
  return bind(self, argument.text(host, 1, "bind"), argument.port(port, 2, "bind"))
end

Tcp.setsockname = Tcp.bind

local function name_of(self, method)
  if self.is_closed or not self.handle then return nil, "Bad file descriptor" end
  local name, message = self.handle[method](self.handle)
  if not name then return nil, errors.text(message) end
  return name.ip, name.port, name.family
end

function Tcp:getsockname()
  check_class(self, "any", "getsockname")
  return name_of(self, "getsockname")
end

function Tcp:getpeername()
  check_class(self, "any", "getpeername")
  return name_of(self, "getpeername")
end

function Tcp:getfamily()
  check_class(self, "any", "getfamily")
  return self.family == "inet6" and "inet6" or "inet4"
end

-- ---- connecting ----

-- Awaits the connection; returns an error, if there is one.
local function connect_to(self, address, term)
  local handle, failure = handle_for(self, address)
  if not handle then return failure end
  local hooks = { withdraw = function() drop_handle(self, handle) end }
  local connecting = promisify.call(hooks, uv.tcp_connect, handle, address.addr, address.port or 0)
  local ok, err = pcall(core.await, term:of(connecting))
  if ok then return err end -- which is "timeout", if any
  drop_handle(self, handle)
  return errors.of(err)
end

local function resolve(self, host, port, term)
  local found = core.spawn(dns.resolve, host, port, self.family)
  local addresses, err = core.await(term:of(found))
  if addresses == "timeout" then return nil, addresses end
  return addresses, err
end

-- Nothing more is done once it has been closed, perhaps to connect to somebody else.
local function connect(self, host, port)
  local attempt = {}
  self.attempt = attempt
  local addresses, err = resolve(self, host, port, self.limit:begin())
  local connected = false
  for _, address in ipairs(addresses or {}) do
    if self.attempt ~= attempt then break end
    err = connect_to(self, address, self.limit:begin())
    connected = not err
    if connected then break end
  end
  if self.attempt ~= attempt then return nil, "closed" end
  if not connected then return nil, err end
  return 1
end

--- Awaits a connection.
function Tcp:connect(host, port)
  core.check_await()
  check_class(self, "any", "connect")
  host, port = argument.text(host, 1, "connect"), argument.port(port, 2, "connect")
  if self.inbox and not self.is_closed then return nil, "already connected" end
  self.class, self.is_closed, self.inbox = "client", false, nil
  local ok, err = connect(self, host, port)
  if not ok then return nil, err end
  become_client(self, self.handle)
  return 1
end

Tcp.setpeername = Tcp.connect

-- ---- being connected to ----

-- As LuaSocket takes a number: without what is behind the point.
local function whole(number)
  local integer = math.tointeger(number < 0 and math.ceil(number) or math.floor(number))
  return integer or (number > 0 and math.maxinteger or math.mininteger)
end

--- Takes connections from now on.
function Tcp:listen(backlog)
  check_class(self, "master", "listen")
  backlog = backlog == nil and BACKLOG or argument.number(backlog, 1, "listen")
  if not self.handle or self.is_closed then return nil, "Bad file descriptor" end
  local family = self.family
  local listener = Listener.new(self.handle, function(handle) return client_of(family, handle) end)
  local message = listener:start(math.min(whole(backlog), MOST_BACKLOG))
  if message then return nil, errors.text(message) end
  self.class, self.listener = "server", listener
  return 1
end

--- Awaits the next connection.
--- @return client
function Tcp:accept()
  core.check_await()
  check_class(self, "server", "accept")
  if self.is_closed then return nil, "closed" end
  local client = core.await(self.limit:begin():of(self.listener:accept(self)))
  if client == nil or client == "timeout" then return nil, client or "closed" end
  return client
end

-- ---- sending and receiving ----

-- As LuaSocket counts: from the end, if negative.
local function range(size, first, last)
  if first < 0 then first = size + first + 1 end
  if last < 0 then last = size + last + 1 end
  return math.max(first, 1), math.min(last, size)
end

--- Awaits that the bytes from first to last are sent.
--- @return the index of the last one that is, or nil, an error, and that index
function Tcp:send(data, first, last)
  core.check_await()
  check_class(self, "client", "send")
  data = argument.text(data, 1, "send")
  first = first == nil and 1 or argument.number(first, 2, "send")
  last = last == nil and -1 or argument.number(last, 3, "send")
  first, last = range(#data, whole(first), whole(last))
  if first > last then return first - 1 end
  if not self.inbox or self.is_closed then return nil, "closed", first - 1 end
  local part = (first > 1 or last < #data) and data:sub(first, last) or data
  local sent, err = send(self, part, self.limit:begin())
  if err then return nil, err, first - 1 + sent end
  return first - 1 + sent
end

local PATTERNS = { l = receive.line, a = receive.all }

-- As LuaSocket does, by the first letter behind a star, such as "*line".
local function method_of(pattern)
  return tonumber(pattern) or PATTERNS[pattern:match "^%*(%a)"]
end

local function receive_what(self, what, prefix)
  local term = self.limit:begin()
  if type(what) == "function" then return what(self, term) end
  if #prefix > 0 and what <= #prefix then return nil, "" end
  return receive.bytes(self, term, what - #prefix)
end

--- Awaits what the pattern says: "*l", a line; "*a", all; a number of bytes, the prefix included.
--- @return string that begins with the prefix, or nil, an error, and what there is
function Tcp:receive(pattern, prefix)
  core.check_await()
  check_class(self, "client", "receive")
  prefix = prefix == nil and "" or argument.text(prefix, 2, "receive")
  local what = method_of(pattern == nil and "*l" or argument.text(pattern, 1, "receive"))
  check.that(type(what) == "function" or what and what >= 0, 1, "receive", "invalid receive pattern")
  if type(what) == "number" then what = math.tointeger(what // 1) or math.maxinteger end
  local inbox = self.inbox
  if not inbox then return nil, "closed", prefix end
  if inbox:is_awaited() then error("attempt to receive from a socket that another coroutine receives from", 2) end
  local err, text = receive_what(self, what, prefix)
  if err then return nil, err, prefix .. text end
  return prefix .. text
end

-- ---- the rest ----

local function end_receiving(self)
  self.inbox:finish()
end

-- What libuv has still to send goes first, see `send`, but nobody waits for that.
local function close_handle(self)
  local handle, rest = self.handle, self.rest
  self.handle, self.rest = nil, nil
  if not rest or loop.is_over() then return loop.close(handle) end
  core.succeed_with(rest, "closed")
  core.finish()
end

--- Ends it. Calls that wait return "closed".
function Tcp:close()
  check_class(self, "any", "close")
  if self.is_closed then return 1 end
  self.is_closed, self.attempt = true, nil
  if self.inbox then end_receiving(self) end
  if self.listener then
    self.listener:close()
    self.listener, self.handle = nil, nil
  elseif self.handle then
    close_handle(self)
  end
  return 1
end

function Tcp:__gc()
  if not loop.is_over() then self:close() end
end

Tcp.__close = Tcp.close

local WAYS = { both = true, send = true, receive = true }

--- Ends one direction, or both.
function Tcp:shutdown(how)
  check_class(self, "client", "shutdown")
  how = how == nil and "both" or how
  check.that(WAYS[how], 1, "shutdown", ("invalid option '%s'"):format(how))
  if not self.inbox or self.is_closed then return 1 end
  if how ~= "receive" then self.handle:shutdown() end
  if how ~= "send" then end_receiving(self) end
  return 1
end

--- Limits the time of each wait ("b"), or of a whole operation ("t"); nil or less than 0: without limit.
function Tcp:settimeout(seconds, mode)
  check_class(self, "any", "settimeout")
  seconds = seconds == nil and -1 or argument.number(seconds, 1, "settimeout")
  local kind = (mode == nil and "b" or argument.text(mode, 2, "settimeout")):sub(1, 1)
  check.that(kind == "b" or kind == "t" or kind == "r", 2, "settimeout", "invalid timeout mode")
  self.limit[kind == "b" and "block" or "total"] = seconds
  return 1
end

function Tcp:gettimeout()
  check_class(self, "any", "gettimeout")
  return self.limit.block, self.limit.total
end

function Tcp:setoption(name, value)
  check_class(self, "any", "setoption")
  return options.set(self, name, value)
end

function Tcp:getoption(name)
  check_class(self, "any", "getoption")
  return options.get(self, name)
end

--- Bytes received, bytes sent, age in seconds.
function Tcp:getstats()
  check_class(self, "client", "getstats")
  return self.received, self.sent, core.now() - self.birthday
end

function Tcp:setstats(received, sent, age)
  check_class(self, "client", "setstats")
  received = argument.number(received == nil and self.received or received, 1, "setstats")
  self.sent = argument.number(sent == nil and self.sent or sent, 2, "setstats")
  self.received = received
  if tonumber(age) then self.birthday = core.now() - tonumber(age) end
  return 1
end

--- The number of its file; -1 without one.
function Tcp:getfd()
  check_class(self, "any", "getfd")
  return not self.is_closed and self.handle and self.handle:fileno() or -1
end

--- Has something come that was not received?
function Tcp:dirty()
  check_class(self, "any", "dirty")
  return self.inbox ~= nil and self.inbox.buffer.size > 0
end

return tcp
