-- A horn that all hear who listen at that moment.
local weir = require "weir"

local alarm = {}
local horn = weir.Event()

function alarm.sound()
  horn:set()
  horn:clear()
end

--- Fires, with "alarm", when it is sounded.
function alarm.wait()
  return horn:wait():add_callback(function() return "alarm" end)
end

return alarm
