--- Pause and unpause of coroutines that await each other, from the top.
local chain = require "chain"
local rawlen = rawlen

return {
  name = "pause + unpause of a chain, per level",
  n = 1000000,
  target = 3.0,
  growth = 1.3,
  workload = function(n)
    local top, gate = chain(n)
    return function()
      top:pause()
      top:unpause()
      assert(top:status() == "waiting" and gate:status() == "pending")
    end
  end,
  baseline = function(n)
    local list, value = { true }, nil
    for _ = 1, n do
      value = rawlen(list)
    end
    assert(value == 1)
  end,
}
