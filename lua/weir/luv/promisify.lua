--- Functions of luv that take a callback, as functions that return a Deferred.
local check = require "weir.check"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local loop = require "weir.luv.loop"
local uv = require "weir.luv.uv"

local promisify = {}

-- An operation: what luv does with `callback(err, ...)` becomes the outcome of `deferred`. `request` is there while it
-- is under way. Hooks, all optional: `withdraw()` is called instead of uv.cancel, behind a cancel; `discard(...)` gets
-- the values that come behind a cancel none the less; `on_end()` is called when libuv is through with it in any case.
local function withdraw(self)
  self.cancelled = true
  if loop.is_over() then return end
  if self.hooks.withdraw then
    self.hooks.withdraw()
  elseif self.request then
    uv.cancel(self.request)
  end
end

local function finish(self, err, ...)
  local hooks = self.hooks
  self.request = nil
  if hooks.on_end then hooks.on_end() end
  if self.cancelled then
    if not err and hooks.discard then hooks.discard(...) end
  elseif err then
    core.fail_with(self.deferred, failure(err))
  else
    core.succeed_with(self.deferred, ...)
  end
  core.finish()
end

local function call_with(f, callback, ...)
  local n = select("#", ...)
  local arguments = { ... }
  arguments[n + 1] = callback
  return f(table.unpack(arguments, 1, n + 1))
end

-- A function of luv that fails at once returns nil and a message; then it does not call back.
local function begun(self, request, message)
  if request == nil then
    finish(self, message)
  elseif type(request) == "userdata" then
    self.request = request
  end
  return self.deferred
end

--- Calls `f(..., callback)`.
--- @param hooks table, see above
--- @return Deferred; a coroutine that is cancelled where it is about to wait for it withdraws it too
function promisify.call(hooks, f, ...)
  loop.join()
  local self = { hooks = hooks }
  self.deferred = core.claim { function() withdraw(self) end }
  return begun(self, call_with(f, loop.enter(function(...) finish(self, ...) end), ...))
end

--- @param f function of luv whose last argument is a callback(err, ...)
--- @param discard called with the values of a success that comes behind a cancel, which nobody else will get
--- @return function that takes the other arguments, and returns a Deferred of the values
function promisify.promisify(f, discard)
  check.callable(f, 1, "promisify")
  if discard ~= nil then check.callable(discard, 2, "promisify") end
  local hooks = { discard = discard }
  return function(...) return promisify.call(hooks, f, ...) end
end

return promisify
