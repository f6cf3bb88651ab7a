--- The time limits of LuaSocket: one for an operation, and one for each time that it waits, as its manual has it. In
-- fact both count from the beginning of the operation, as they do here, unless both are set.
local core = require "weir.core".functions
local loop = require "weir.luv.loop"
local race = require "weir.race"

-- `block`, `total`: seconds, negative without limit.
local Limit = {}
Limit.__index = Limit

-- One operation: others may go on at the same time. `limit`: its settings. `start`: when it began.
local Term = {}
Term.__index = Term

function Limit.new()
  return setmetatable({ block = -1, total = -1 }, Limit)
end

--- An operation begins.
--- @return Term
function Limit:begin()
  return setmetatable({ limit = self, start = core.now() }, Term)
end

--- It has not run for that long.
function Term:shift(seconds)
  self.start = self.start + seconds
end

-- For the next wait; nil without limit.
local function seconds_left(self)
  local block, total = self.limit.block, self.limit.total
  if block < 0 and total < 0 then return nil end
  local left = math.max((total < 0 and block or total) - (core.now() - self.start), 0)
  return block >= 0 and math.min(block, left) or left
end

-- No time at all: time enough to look at what is there.
local function timer_of(seconds)
  if seconds > 0 then return core.after(seconds, "timeout") end
  return loop.polled():add_callback(function() return "timeout" end)
end

--- @return Deferred that fires with "timeout" when the next wait has taken too long; nil without limit
function Term:timer()
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
function Term:of(d)
  local timer = self:timer()
  return timer and race { d, counted(self, timer) } or d
end

return Limit
