--- What combinators share: one Deferred waits on the parts of a table.
local core = require "weir.core".functions

--- Makes the join wait on every part that has not settled; then tells of the others, in the order of the keys.
-- @param on_part called with key and Deferred when that has settled
-- @param on_value called with key and value for what is no Deferred
local function watch(join, t, keys, on_part, on_value)
  local ready = {}
  for _, key in ipairs(keys) do
    local part = t[key]
    if not core.follow(join, part, on_part, key) then
      ready[#ready + 1] = { key, part }
    end
  end
  for _, pair in ipairs(ready) do
    local tell = core.is_deferred(pair[2]) and on_part or on_value
    tell(pair[1], pair[2])
  end
end

return watch
