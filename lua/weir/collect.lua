--- A Deferred of a table, which fires when every key has its value.
local core = require "weir.core".functions

--- @param keys list of keys
--- @param purpose of the Deferred, for those who look at it
--- @return Deferred that can have parts, and the function that puts a key and a value in
return function(keys, purpose)
  local join, values, left = core.join(purpose), {}, #keys
  if left == 0 then core.succeed_with(join, values) end
  return join, function(key, value)
    values[key] = value
    left = left - 1
    if left == 0 then core.succeed_with(join, values) end
  end
end
