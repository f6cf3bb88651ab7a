--- Cancel of coroutines that await each other, from the top.
local plain = require "plain"
local chain = require "chain"

return {
  name = "cancel of a chain, per level",
  n = 1000000,
  target = 2.0,
  growth = 1.3,
  baseline = plain.closing,
  workload = function(n)
    local top, gate = chain(n)
    return function()
      assert(top:cancel())
      assert(top:status() == "cancelled" and gate:status() == "cancelled")
    end
  end,
}
