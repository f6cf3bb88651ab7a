--- Calls a function and makes a Deferred of whatever comes of it.
local check = require "weir.check"
local core = require "weir.core".functions

local function deferred_of(ok, ...)
  if ok and select("#", ...) == 1 and core.is_deferred((...)) then
    return (...)
  end
  return core.settled(ok, ...)
end

--- @param f function to be called at once with the other arguments
--- @return Deferred the one that `f` returned, or one fired with its values or its error
local function maybe(f, ...)
  check.callable(f, 1, "maybe")
  return deferred_of(pcall(f, ...))
end

return maybe
