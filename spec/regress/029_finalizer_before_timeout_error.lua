local at_next_allocation = require "spec.regress.finalizer"
local weir = require "weir"

describe("regression 029", function()
  local clock, before
  before_each(function()
    clock = weir.Clock()
    before = weir.clock(clock)
  end)
  after_each(function()
    collectgarbage("incremental")
    weir.clock(before)
  end)

  -- While the cancel error became the TimeoutError the adopter waited, but on nothing.
  it("2.7 a finalizer may cancel a Deferred that takes its timeout from an inner one", function()
    for _ = 1, 3 do -- the first ones make the queues grow, which puts the collection off
      local d = weir.Deferred()
      local list = {}
      local inner = weir.Deferred(function()
        at_next_allocation(function()
          d:cancel()
          d:pause()
          d:unpause()
        end)
        rawset(list, 1, true) -- takes memory, and no step of the collector
      end)
      d:add_callback(function() return inner end)
      d:callback()
      d:timeout(1)
      clock:advance(1)
      assert.equal("failure", d:status())
      assert.equal("TimeoutError", select(2, pcall(d.result, d)).name)
      collectgarbage()
    end
  end)
end)
