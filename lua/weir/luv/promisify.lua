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

local function settle(self, err, ...)
  if self.cancelled then
    local discard = self.hooks.discard
    if not err and discard then discard(...) end
  elseif err then
    core.fail_with(self.deferred, failure(err))
  else
    core.succeed_with(self.deferred, ...)
  end
  core.finish()
end

-- From here on there is nothing that could be withdrawn.
local function finish(self)
  self.request = nil
  if self.hooks.on_end then self.hooks.on_end() end
end

local function callback_of(self)
  return loop.enter(function(...)
    finish(self)
    loop.later(settle, self, ...)
  end)
end

-- As pcall does.
local function call_with(f, callback, ...)
  local n = select("#", ...)
  local arguments = { ... }
  arguments[n + 1] = callback
  return pcall(f, table.unpack(arguments, 1, n + 1))
end

-- A function of luv that fails at once returns nil and a message; then it does not call back.
local function begun(self, ok, request, message)
  if not ok then return nil, request end
  if request == nil then
    finish(self)
    settle(self, message)
  elseif type(request) == "userdata" then
    self.request = request
  end
  return self.deferred
end

--- Calls `f(..., callback)`.
--- @param hooks table, see above
--- @return Deferred; a coroutine that is cancelled where it is about to wait for it withdraws it too. Or nil, and what
--- `f` has raised
function promisify.try(hooks, f, ...)
  loop.join()
  local self = { hooks = hooks }
  self.deferred = core.claim { function() withdraw(self) end }
  return begun(self, call_with(f, callback_of(self), ...))
end

--- The same, but raises that.
function promisify.call(...)
  local deferred, raised = promisify.try(...)
  if not deferred then error(raised, 0) end
  return deferred
end

--- @param name for the message if an argument is wrong; nil: that of `f`
--- @return function that is called with the other arguments of `f`
function promisify.named(name, hooks, f)
  return function(...)
    local deferred, raised = promisify.try(hooks, f, ...)
    if not deferred then check.blame(raised, name, 2) end
    return deferred
  end
end

--- @param f function of luv whose last argument is a callback(err, ...)
--- @param discard called with the values of a success that comes behind a cancel, which nobody else will get
--- @return function that takes the other arguments, and returns a Deferred of the values
function promisify.promisify(f, discard)
  check.callable(f, 1, "promisify")
  if discard ~= nil then check.callable(discard, 2, "promisify") end
  return promisify.named(nil, { discard = discard }, f)
end

return promisify
