--- A few at a time.
local check = require "weir.check"
local permits = require "weir.permits"

local new = permits.class("Semaphore", "attempt to release a Semaphore more often than it was acquired")

--- @param n integer, how many at a time
--- @return Semaphore with all its permits free
return function(n)
  return new(check.integer(n, 1, 1, "Semaphore"))
end
