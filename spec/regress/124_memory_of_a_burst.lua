-- What kept coroutines that were ready at the same time was never given back: some 25 bytes for each of the most there
-- had been at a time, for as long as the state lived.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 124", function()
  local SLACK = 512 -- KB

  local function burst(n)
    local gate, sum = weir.Deferred(), 0
    for _ = 1, n do
      weir.spawn(function()
        local one = weir.await(gate)
        sum = sum + one
      end)
    end
    gate:callback(1)
    weir.run()
    assert.equal(n, sum)
  end

  local function kept()
    burst(10) -- the list of the living goes by what is alive when something is added
    h.collect()
    return collectgarbage "count"
  end

  it("after a burst memory is as it was", function()
    burst(2000) -- as many threads are kept as ever will be
    local before = kept()
    burst(100000)
    assert.is_true(kept() - before < SLACK)
    burst(100000)
    assert.is_true(kept() - before < SLACK)
  end)
end)
