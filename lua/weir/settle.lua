--- What has become of each.
local check = require "weir.check"
local collect = require "weir.collect"
local core = require "weir.core".functions
local watch = require "weir.watch"

--- @param t table of Deferreds and plain values
--- @return Deferred of a table with `{true, values...}` or `{false, error}` of each under its key. It fails only when
--- it is cancelled.
local function settle(t)
  local keys = check.keys(t, 1, "settle")
  local join, put = collect(keys, "settle")

  local function on_part(key, part, ok, _, late)
    if ok or not late then
      core.handled(part)
      put(key, { core.outcome(part) })
    end
  end

  watch(join, t, keys, on_part, function(key, value) put(key, { true, value }) end)
  return core.finish(join)
end

return settle
