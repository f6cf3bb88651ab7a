--- The values of all.
local check = require "weir.check"
local core = require "weir.core".functions
local watch = require "weir.watch"

--- @param t table of Deferreds and plain values
--- @return Deferred of a table with the first value of each under its key. The first failure fails it at once, and
--- cancels the rest.
local function all(t)
  local keys = check.keys(t, 1, "all")
  local join, values, left, failed = core.join(), {}, #keys, false

  local function on_value(key, value)
    values[key] = value
    left = left - 1
    if left == 0 then core.succeed_with(join, values) end
  end

  local function on_part(key, part)
    local ok, value = core.outcome(part)
    if ok then
      on_value(key, value)
    elseif not (failed or core.leaving(join)) then
      failed = true
      core.decide(join, part, value)
    end
  end

  if left == 0 then core.succeed_with(join, values) end
  watch(join, t, keys, on_part, on_value)
  return core.finish(join)
end

return all
