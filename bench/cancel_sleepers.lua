--- Cancel of coroutines that sleep, one after the other.
local weir = require "weir"
local plain = require "plain"

return {
  name = "cancel of sleepers, each",
  n = 100000,
  target = 2.0,
  growth = 1.3 * 5 / 4, -- times log n, as there are timers to be removed
  baseline = plain.closing,
  workload = function(n)
    local clock, list = weir.Clock(), {}
    math.randomseed(1)
    for i = 1, n do
      list[i] = weir.spawn(clock.sleep, clock, 1 + math.random())
    end
    return function()
      for i = 1, n do
        assert(list[i]:cancel())
      end
    end
  end,
}
