--- A place where each waits until all have come.
local check = require "weir.check"
local core = require "weir.core".functions
local Line = require "weir.line"

local Barrier = {}
Barrier.__index = Barrier
Barrier.__name = "Barrier"

-- When enough are in line, counts again those that really wait.
local function have_come(self)
  return self.line.count >= self.size and #self.line:all() >= self.size
end

--- @return Deferred that fires when the last one has come, with the place in the order of arrival
function Barrier:wait()
  check.self(self, Barrier, "wait")
  local deferred = self.line:join()
  if have_come(self) then
    for place, entry in ipairs(self.line:take_all()) do
      core.succeed_with(entry.deferred, place)
    end
  end
  return core.finish(deferred)
end

function Barrier:__tostring()
  check.self(self, Barrier, "tostring")
  return ("Barrier: %p (%d of %d waiting)"):format(self, self.line.count, self.size)
end

local function ignore() end

--- @param n integer, how many must come
--- @return Barrier
return function(n)
  return setmetatable({ size = check.integer(n, 1, 1, "Barrier"), line = Line.new("Barrier:wait", ignore) }, Barrier)
end
