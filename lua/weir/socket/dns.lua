--- Names and addresses of hosts, by the system's resolver on one of libuv's threads.
local argument = require "weir.socket.argument"
local core = require "weir.core".functions
local errors = require "weir.socket.errors"
local promisify = require "weir.luv.promisify"
local uv = require "weir.luv.uv"

local dns = {}

local function resolved(ok, ...)
  if ok then return ... end
  return nil, errors.of((...), errors.of_name)
end

local function await(f, ...)
  return resolved(pcall(core.await, promisify.call({}, f, ...)))
end

--- Awaits the addresses of a host, in luv's form; nil and an error if there are none.
function dns.resolve(host, port, family)
  return await(uv.getaddrinfo, host, port, { socktype = "stream", family = family })
end

local function addresses_of(host, family)
  core.check_await()
  local list, err = dns.resolve(host, nil, family)
  if not list then return nil, err end
  local found = {}
  for i, address in ipairs(list) do found[i] = { family = address.family, addr = address.addr } end
  return found
end

function dns.getaddrinfo(host)
  return addresses_of(argument.text(host, 1, "getaddrinfo"))
end

local function entry(name, list)
  local ips = {}
  for i, address in ipairs(list) do ips[i] = address.addr end
  return { name = name, alias = {}, ip = ips }
end

function dns.toip(host)
  local list = addresses_of(argument.text(host, 1, "toip"), "inet")
  if not list then return nil, "host not found" end
  return list[1].addr, entry(host, list)
end

function dns.tohostname(address)
  local list = addresses_of(argument.text(address, 1, "tohostname"), "inet")
  local name = list and await(uv.getnameinfo, { ip = list[1].addr })
  if not name then return nil, "host not found" end
  return name, entry(name, list)
end

--- The names of the addresses of a host, and of a port.
function dns.getnameinfo(host, port)
  core.check_await()
  if not (host or port) then error("host and serv cannot be both nil", 2) end
  host = host and argument.text(host, 1, "getnameinfo")
  port = port and argument.port(port, 2, "getnameinfo")
  local list, err = dns.resolve(host, port)
  if not list then return nil, err end
  local names, service = {}, nil
  for i, address in ipairs(list) do
    names[i], service = await(uv.getnameinfo, { ip = address.addr, port = address.port })
    if not names[i] then return nil, service end
  end
  return host and names or {}, port and service or nil
end

function dns.gethostname()
  return uv.os_gethostname()
end

return dns
