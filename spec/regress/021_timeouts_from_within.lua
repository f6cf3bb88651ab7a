local h = require "spec.helper"
local weir = require "weir"

describe("regression 021", function()
  after_each(h.restore)

  -- For each that left, all that had left below it were passed.
  it("6.4 limits that run out from the innermost wait outwards take linear time", function()
    local clock, count = h.manual(), 20000
    local stuck, grace = weir.Deferred(), weir.grace(math.huge)
    local co = weir.spawn(function()
      pcall(weir.await, weir.Deferred())
      weir.await(stuck) -- cleanup that takes its time
    end)
    for i = 1, count do
      local inner = co
      co = weir.spawn(function() weir.await(inner, i) end)
    end
    local began = os.clock()
    clock:advance(count + 1)
    local took = os.clock() - began
    weir.grace(grace)
    stuck:callback()
    assert.is_true(took < 0.5)
    assert.equal("failure", co:status())
  end)
end)
