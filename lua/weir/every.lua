--- Calling a function again and again on a grid of times.
local core = require "weir.core"

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

local function check(position, seconds, f)
  local name = "every"
  if type(seconds) ~= "number" then
    error(("bad argument #%d to '%s' (number expected, got %s)"):format(position, name, type(seconds)), 3)
  elseif not (seconds >= 0) then
    error(("bad argument #%d to '%s' (time must not be negative or NaN)"):format(position, name), 3)
  end
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and meta.__call) then
    error(("bad argument #%d to '%s' (function expected, got %s)"):format(position + 1, name, type(f)), 3)
  end
end

local every = {}

--- `clock:every(seconds, f)`
function every.on_clock(clock, seconds, f)
  clock:now() -- raises for anything but a Clock
  check(1, seconds, f)
  return core.spawn(call_on_grid, clock, seconds, f)
end

--- `weir.every(seconds, f)`
function every.on_loop_clock(seconds, f)
  check(1, seconds, f)
  return core.spawn(call_on_grid, core.clock(), seconds, f)
end

return every
