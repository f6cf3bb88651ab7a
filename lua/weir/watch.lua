--- What combinators share: one Deferred waits on the parts of a table.
local core = require "weir.core".functions

local follow = core.follow

--- Makes the join wait on every part that has not settled; then tells of the others, in the order of the keys.
-- @param on_part called with key and Deferred when that has settled, whether it succeeded, the value or error, and
-- whether it was cancelled for the join before that
-- @param on_value called with key and value for what is no Deferred
local function watch(join, t, keys, on_part, on_value)
  local ready, n = {}, 0 -- key, value; of a part also whether it succeeded, and with what, as it is now
  for i = 1, #keys do
    local key = keys[i]
    local part = t[key]
    if not follow(join, part, on_part, key) then
      ready[n + 1], ready[n + 2] = key, part
      if core.is_deferred(part) then ready[n + 3], ready[n + 4] = core.outcome(part) end
      n = n + 4
    end
  end
  for i = 1, n, 4 do
    local key, part, ok = ready[i], ready[i + 1], ready[i + 2]
    if ok == nil then
      on_value(key, part)
    else
      on_part(key, part, ok, ready[i + 3], false)
    end
  end
end

return watch
