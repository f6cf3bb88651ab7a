--- One at a time.
local permits = require "weir.permits"

local new = permits.class("Lock", "attempt to release a Lock that nobody holds")

--- @return Lock that is free
return function()
  return new(1)
end
