--- How fast somebody may speak: `rate` a second, and `burst` at once behind a silence.
local weir = require "weir"

-- `at`: when the next one would be due if all came evenly.
local Pace = {}
Pace.__index = Pace

function Pace.new(rate, burst)
  return setmetatable({ interval = 1 / rate, lead = (burst - 1) / rate, at = 0 }, Pace)
end

--- Awaits that one more is allowed. Meanwhile nothing is read, and the other side has to wait too.
function Pace:wait()
  local now = weir.now()
  local early = self.at - self.lead - now
  self.at = math.max(self.at, now) + self.interval
  if early > 0 then weir.sleep(early) end
end

return Pace
