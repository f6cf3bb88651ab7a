--- A chain of waiting coroutines: each awaits the next, the last one a Deferred.
local weir = require "weir"
local await = weir.await

local level
level = weir.coroutine(function(depth, gate)
  if depth == 1 then
    return await(gate) + 1
  end
  return await(level(depth - 1, gate)) + 1
end)

--- Returns the coroutine that waits on all others, and the Deferred at the other end.
return function(depth)
  local gate = weir.Deferred()
  return level(depth, gate), gate
end
