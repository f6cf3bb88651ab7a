--- What combinators share: one Deferred waits on the parts of a table.
local core = require "weir.core".functions

local follow = core.follow

--- Makes the join wait on every part that has not settled; then tells of the others, in the order of the keys.
-- @param on_part called with key and Deferred when that has settled, whether it succeeded, and the value or error
-- @param on_value called with key and value for what is no Deferred
local function watch(join, t, keys, on_part, on_value)
  local ready = {}
  for i = 1, #keys do
    local key = keys[i]
    local part = t[key]
    if not follow(join, part, on_part, key) then
      ready[#ready + 1] = { key, part }
    end
  end
  for _, pair in ipairs(ready) do
    local key, part = pair[1], pair[2]
    if core.is_deferred(part) then
      on_part(key, part, core.outcome(part))
    else
      on_value(key, part)
    end
  end
end

return watch
