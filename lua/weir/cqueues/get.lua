--- Deferreds for plain coroutines of cqueues.
local check = require "weir.check"
local condition = require "cqueues.condition"
local core = require "weir.core".functions
local cqueues = require "cqueues"

local function values_of(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

-- A coroutine of weir waits for it in place of the one that runs.
local function wait_for(deferred, seconds)
  local outcome
  local ready = condition.new()
  core.spawn(core.await, deferred, seconds):add_both(function(...)
    outcome = table.pack(...)
    ready:signal()
  end)
  while not outcome do ready:wait() end
  return values_of(table.unpack(outcome, 1, outcome.n))
end

--- Awaits a Deferred, at most for some seconds: in a coroutine of a controller, or in one of weir.
return function(deferred, seconds)
  check.that(core.is_deferred(deferred), 1, "get", "Deferred expected")
  if seconds ~= nil then check.seconds(seconds, 2, "get") end
  local controller, runs_it = cqueues.running()
  if core.current() and not runs_it then return core.await(deferred, seconds) end
  if not (controller and coroutine.isyieldable()) then
    error("attempt to wait outside a coroutine of a controller", 2)
  end
  return wait_for(deferred, seconds)
end
