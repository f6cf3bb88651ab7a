local weir = require "weir"

describe("regression 025", function()
  -- One waiter's leaving, while the others are told, left a paused one alone: that held what was
  -- telling, and nothing let it go again.
  it("6.3 a Deferred that tells its waiters is not held by the paused ones among them", function()
    local d, other = weir.Deferred(), weir.Deferred()
    d:chain(other)
    d:chain(other)
    local co = weir.spawn(function() return weir.await(d) end)
    co:pause()
    d:callback("value")
    co:unpause()
    assert.equal("value", other:result())
    assert.equal("value", co:result())
    assert.equal("success", d:status())
  end)
end)
