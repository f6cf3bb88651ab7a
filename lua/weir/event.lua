--- Something that happens, for all who wait for it.
local check = require "weir.check"
local core = require "weir.core".functions
local Line = require "weir.line"

local Event = {}
Event.__index = Event
Event.__name = "Event"

--- @return Deferred that fires when the event is set; it has, if that is so already
function Event:wait()
  check.self(self, Event, "wait")
  if self.value then return core.succeed() end
  return self.line:join()
end

--- All that wait go on, and who comes does not wait.
function Event:set()
  check.self(self, Event, "set")
  self.value = true
  for _, entry in ipairs(self.line:take_all()) do
    core.succeed_with(entry.deferred)
  end
  core.finish()
end

--- Who comes waits again.
function Event:clear()
  check.self(self, Event, "clear")
  self.value = false
end

function Event:is_set()
  check.self(self, Event, "is_set")
  return self.value
end

function Event:__tostring()
  check.self(self, Event, "tostring")
  return ("Event: %p (%s, %d waiting)"):format(self, self.value and "set" or "not set", self.line.count)
end

local function ignore() end

--- @return Event that is not set
return function()
  return setmetatable({ value = false, line = Line.new("Event:wait", ignore) }, Event)
end
