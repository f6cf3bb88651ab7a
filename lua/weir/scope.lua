--- Coroutines that end together.
local check = require "weir.check"
local core = require "weir.core".functions

-- `join` is the Deferred of the scope, which owns the body and the children; `open` counts those that have not ended.
-- Until the scope ends, `body` is the outcome of the body when that has succeeded, and `failed` that of the first that
-- failed, with the error `err`.
local Scope = {}
Scope.__index = Scope
Scope.__name = "Scope"

-- What becomes of the part from here on is not the scope's.
local function outcome_of(part)
  local outcome = core.join "scope"
  core.take(outcome, part)
  core.handled(outcome)
  return outcome
end

-- Failures behind the first one are left to be reported, unless it is that one which came through another.
local function fail(self, part, err, late)
  if self.failed and rawequal(err, self.err) then
    core.handled(part)
  elseif not (self.failed or late) then
    self.failed, self.err = outcome_of(part), err
    core.leave(self.join, err)
  end
end

local function finish(self)
  self.open = self.open - 1
  if self.open > 0 then return end
  if self.failed or not core.leaving(self.join) then core.take(self.join, self.failed or self.body) end
  self.body, self.failed, self.err = nil, nil, nil
end

local function on_body(self, body, ok, err, late)
  if ok then
    self.body = outcome_of(body)
  else
    fail(self, body, err, late)
  end
  finish(self)
end

local function on_child(self, child, ok, err, late)
  if not (ok or core.is_cancelled(err)) then fail(self, child, err, late) end
  finish(self)
end

local function start(self, handler, f, ...)
  local co = core.prepare(f, ...)
  core.follow(self.join, co, handler, self, true)
  self.open = self.open + 1 -- behind what may fail
  return core.start(co)
end

-- Whoever is cancelled with it gets that, and is no failure.
local function refuse()
  core.raise_due()
  error("attempt to spawn in a scope that is ending", 3)
end

--- Starts `f(...)` as a coroutine of the scope.
--- @return Coroutine
function Scope:spawn(f, ...)
  check.self(self, Scope, "spawn")
  check.callable(f, 1, "spawn")
  if self.failed or core.leaving(self.join) then refuse() end
  return start(self, on_child, f, ...)
end

--- As `cancel` of its Deferred.
function Scope:cancel(reason, grace)
  check.self(self, Scope, "cancel")
  check.seconds(grace, 2, "cancel", true)
  return self.join:cancel(reason, grace)
end

function Scope:__tostring()
  check.self(self, Scope, "tostring")
  return ("Scope: %p (%d open, %s)"):format(self, self.open, self.join)
end

--- Runs `f(scope, ...)` as a coroutine.
--- @return Deferred that ends when that and all that `scope:spawn` started have ended: with the values of `f`, or with
--- the first failure, which cancels the rest
local function scope(f, ...)
  check.callable(f, 1, "scope")
  local self = setmetatable({ join = core.join "scope", open = 0 }, Scope)
  start(self, on_body, f, self, ...)
  return self.join
end

return scope
