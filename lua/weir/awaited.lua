--- What a function has returned, or what that Deferred brings, if it has returned exactly one.
local core = require "weir.core".functions

return function(...)
  if select("#", ...) == 1 and core.is_deferred((...)) then return core.await((...)) end
  return ...
end
