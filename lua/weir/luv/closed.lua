--- The error of what has been closed.
local core = require "weir.core".functions

local ClosedError = core.error_class "ClosedError"

--- @param what has been closed
return function(what)
  return setmetatable({ message = what .. " is closed" }, ClosedError)
end
