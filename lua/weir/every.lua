--- Calling a function again and again on a grid of times.
local awaited = require "weir.awaited"
local check = require "weir.check"
local core = require "weir.core".functions

-- Of a grid: `start` + n * `seconds` are its points; `told` of them are behind us.

-- A point has come when its deadline has, as that is computed. Points nearer than numbers can tell count one at a time.
local function come(self)
  local now = self.clock:now()
  local n = self.seconds > 0 and (now - self.start) // self.seconds or 0
  if self.start + n * self.seconds > now then n = n - 1 end
  return n < math.huge and math.max(self.told, n) or self.told
end

-- While the coroutine is held the grid waits.
local function shift_with_pauses(self, co)
  local since
  core.on_hold(co, function() since = self.clock:now() end, function()
    self.start = self.start + (self.clock:now() - since)
  end)
end

-- A cancel that `f` has swallowed ends it none the less.
local function call_on_grid(self, f)
  local me = core.current()
  while not core.leaving(me) do
    core.sleep_until(self.clock, self.start + (come(self) + 1) * self.seconds)
    if core.leaving(me) then return end
    local before = self.told
    self.told = math.max(come(self), before + 1)
    local count = self.told - before
    awaited(f(math.tointeger(count) or count))
  end
end

local named = core.coroutine(call_on_grid, "every")

local function start(clock, seconds, f)
  check.seconds(seconds, 1, "every")
  check.callable(f, 2, "every")
  local self = { clock = clock, seconds = seconds, start = clock:now(), told = 0 }
  local co = core.prepare(named, self, f)
  shift_with_pauses(self, co)
  return core.start(co)
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
