-- A coroutine that was cancelled in the turn in which weir.clock set another clock had its grace on that one, by the
-- time of the old one.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 154", function()
  before_each(h.manual)
  after_each(h.restore)

  it("5.6 it ends on the clock on which it began", function()
    local old, new = weir.clock(), weir.Clock()
    local co
    old:advance(1000)
    weir.run(function()
      co = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        weir.await(weir.Deferred())
      end)
      co:cancel()
      weir.clock(new)
    end)
    new:advance(100)
    assert.equal("waiting", co:status())
    old:advance(4)
    assert.equal("waiting", co:status())
    old:advance(1)
    assert.equal("cancelled", co:status())
  end)
end)
