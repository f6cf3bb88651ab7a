--- weir.luv: weir in the loop of libuv, by way of luv.
local check = require "weir.check"
local connect = require "weir.luv.connect"
local events = require "weir.luv.events"
local loop = require "weir.luv.loop"
local promisify = require "weir.luv.promisify"
local stdio = require "weir.luv.stdio"
local uv = require "weir.luv.uv"

-- luv wants all three.
local function getaddrinfo(host, service, hints)
  local deferred, raised = promisify.try({}, uv.getaddrinfo, host, service, hints)
  if not deferred then check.blame(raised, "getaddrinfo", 2) end
  return deferred
end

return {
  uv = uv,
  -- the loop
  run = loop.run,
  attach = loop.attach,
  detach = loop.detach,
  protect = loop.protect,
  -- functions with a callback
  promisify = promisify.promisify,
  fs = require "weir.luv.fs",
  getaddrinfo = getaddrinfo,
  getnameinfo = promisify.promisify(uv.getnameinfo),
  work = require "weir.luv.work",
  -- streams
  connect = connect.connect,
  listen = require "weir.luv.server",
  stream = stdio.stream,
  stdio = stdio.stdio,
  spawn = require "weir.luv.process",
  -- events
  signals = events.signals,
  watch = events.watch,
  -- a look inside
  console = require "weir.luv.console",
}
