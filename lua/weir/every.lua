--- Calling a function again and again on a grid of times.
local check = require "weir.check"
local core = require "weir.core".functions

-- How many points of the grid have come: start + n * seconds, as the deadlines are computed.
local function points(start, seconds, now)
  local n = (now - start) // seconds
  return start + n * seconds > now and n - 1 or n
end

local function call(f, count)
  local result = f(count)
  if core.is_deferred(result) then
    core.await(result)
  end
end

-- `n` is the last point that was told. A freeze moves the grid: the deadline that was kept tells by how much.
local function call_on_grid(clock, seconds, f)
  local start, n = clock:now(), 0
  local function come(at_least)
    return seconds > 0 and math.max(at_least, points(start, seconds, clock:now())) or at_least
  end
  while true do
    local planned = start + (come(n) + 1) * seconds
    local tick = core.at(clock, planned)
    core.await(tick)
    start = start + (core.deadline(tick) - planned)
    local last = n
    n = come(n + 1)
    call(f, math.tointeger(n - last))
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
