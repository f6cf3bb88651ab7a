--- Calling a function again and again on a grid of times.
local check = require "weir.check"
local core = require "weir.core".functions

-- The grid is start + n * seconds. A freeze moves it: the deadline that was kept tells by how much.
local function call_on_grid(clock, seconds, f)
  local start, n = clock:now(), 0
  while true do
    local missed = seconds > 0 and (clock:now() - start) // seconds or n
    n = math.max(n, missed) + 1
    local planned = start + n * seconds
    local tick = core.at(clock, planned)
    core.await(tick)
    start = start + (core.deadline(tick) - planned)
    local result = f()
    if core.is_deferred(result) then
      core.await(result)
    end
  end
end

local function start(clock, seconds, f)
  check.seconds(seconds, 1, "every")
  check.callable(f, 2, "every")
  return core.spawn(call_on_grid, clock, seconds, f)
end

local every = {}

--- `clock:every(seconds, f)`
function every.on_clock(clock, seconds, f)
  clock:now() -- raises for anything but a Clock
  return start(clock, seconds, f)
end

--- `weir.every(seconds, f)`
function every.on_loop_clock(seconds, f)
  return start(core.clock(), seconds, f)
end

return every
