--- 100,000 Deferreds, all of them awaited by one, each fired.
local weir = require "weir"
local Deferred = weir.Deferred

return {
  name = "all over 100,000 Deferreds, each",
  n = 100000,
  target = 1.5,
  workload = function(n)
    local parts = {}
    for i = 1, n do
      parts[i] = Deferred()
    end
    local all = weir.all(parts)
    for i = 1, n do
      parts[i]:callback(i)
    end
    assert(#all:result() == n)
  end,
  baseline = require "callbacks".baseline,
}
