--- What has become of each.
local check = require "weir.check"
local core = require "weir.core".functions
local watch = require "weir.watch"

--- @param t table of Deferreds and plain values
--- @return Deferred of a table with `{true, values...}` or `{false, error}` of each under its key. It fails only when
--- it is cancelled.
local function settle(t)
  local keys = check.keys(t, 1, "settle")
  local join, outcomes, left = core.join(), {}, #keys

  local function put(key, outcome)
    outcomes[key] = outcome
    left = left - 1
    if left == 0 then core.succeed_with(join, outcomes) end
  end

  local function on_value(key, value)
    put(key, { true, value })
  end

  local function on_part(key, part)
    local outcome = { core.outcome(part) }
    if outcome[1] or not core.leaving(join) then
      core.handled(part)
      put(key, outcome)
    end
  end

  if left == 0 then core.succeed_with(join, outcomes) end
  watch(join, t, keys, on_part, on_value)
  return core.finish(join)
end

return settle
