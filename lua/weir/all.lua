--- The values of all.
local check = require "weir.check"
local collect = require "weir.collect"
local core = require "weir.core".functions
local watch = require "weir.watch"

--- @param t table of Deferreds and plain values
--- @return Deferred of a table with the first value of each under its key. The first failure fails it at once, and
--- cancels the rest.
local function all(t)
  local keys = check.keys(t, 1, "all")
  local join, put = collect(keys, "all")
  local failed = false

  local function on_part(key, part, ok, value, late)
    if ok then
      put(key, value)
    elseif not (failed or late) then
      failed = true
      core.decide(join, part, value)
    end
  end

  watch(join, t, keys, on_part, put)
  return core.finish(join)
end

return all
