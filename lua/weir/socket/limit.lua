--- The time limits of LuaSocket: one for an operation, and one for each time that it waits, as its manual has it. In
-- fact both count from the beginning of the operation, as they do here, unless both are set.
local core = require "weir.core".functions
local loop = require "weir.luv.loop"
local race = require "weir.race"

-- `block`, `total`: seconds, negative without limit. `start`: of the operation.
local Limit = {}
Limit.__index = Limit

function Limit.new()
  return setmetatable({ block = -1, total = -1, start = 0 }, Limit)
end

--- An operation begins.
function Limit:begin()
  self.start = core.now()
end

--- It has not run for that long.
function Limit:shift(seconds)
  self.start = self.start + seconds
end

-- For the next wait; nil without limit.
local function seconds_left(self)
  if self.block < 0 and self.total < 0 then return nil end
  local limit = self.total < 0 and self.block or self.total
  local left = math.max(limit - (core.now() - self.start), 0)
  return self.block >= 0 and math.min(self.block, left) or left
end

-- No time at all: time enough to look at what is there.
local function timer_of(seconds)
  if seconds > 0 then return core.after(seconds, "timeout") end
  return loop.polled():add_callback(function() return "timeout" end)
end

--- @return Deferred that fires with "timeout" when the next wait has taken too long; nil without limit
function Limit:timer()
  local seconds = seconds_left(self)
  return seconds and timer_of(seconds)
end

-- The same timer; while it is held, the operation does not run.
local function counted(self, timer)
  local held_since
  local hooked = core.Deferred {
    pause = function() held_since = core.now() end,
    unpause = function() self:shift(core.now() - held_since) end,
  }
  timer:chain(hooked)
  return hooked
end

--- @return Deferred of what comes first: the outcome of d, or "timeout", which cancels d
function Limit:of(d)
  local timer = self:timer()
  return timer and race { d, counted(self, timer) } or d
end

return Limit
