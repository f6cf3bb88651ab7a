--- Awaits nested in each other; the value comes back up through all of them.
local plain = require "plain"
local chain = require "chain"

return {
  name = "nested awaits, per level",
  n = 1000000,
  target = 1.5,
  growth = 1.3,
  baseline = plain.suspended,
  workload = function(n)
    local top, gate = chain(n)
    gate:callback(0)
    assert(top:result() == n)
  end,
}
