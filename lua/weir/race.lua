--- The first outcome.
local check = require "weir.check"
local core = require "weir.core".functions
local watch = require "weir.watch"

--- @param t table of Deferreds and plain values, not empty
--- @return Deferred of the outcome of the one that settles first; of those that have, the one with the lowest key. The
--- rest is cancelled.
local function race(t)
  local keys = check.keys(t, 1, "race")
  check.that(#keys > 0, 1, "race", "table is empty")
  local join, won = core.join "race", false

  local function on_part(_, part, ok, _, late)
    if won or (late and not ok) then return end
    won = true
    core.decide(join, part, "lost")
  end

  local function on_value(_, value)
    on_part(_, core.succeed(value), true)
  end

  watch(join, t, keys, on_part, on_value)
  return core.finish(join)
end

return race
