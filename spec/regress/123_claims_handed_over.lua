-- A piece was handed straight to the one who waits for a claim also where more than that was to be done: the table of
-- its waiters was taken for the waiter, links before it stayed, and what had been fired with nothing had no hooks.
local core = require "weir.core".functions
local weir = require "weir"
local h = require "spec.helper"

describe("regress 123", function()
  local claim, take, put, left

  before_each(function()
    h.manual()
    h.unhandled()
    left = 0
    local hooks = { function() left = left + 1 end }
    local flow = core.flow(hooks)
    take = core.taker(flow, function() return "slow" end)
    put = core.putter(flow, h.ignore)
    claim = core.claim(hooks)
    core.flows(flow, claim, take)
  end)
  after_each(h.restore)

  it("one of two has been cancelled", function()
    local first, second = weir.spawn(weir.await, claim), weir.spawn(weir.await, claim)
    first:cancel()
    put(nil, "a")
    h.collect()
    assert.equal("a", second:result())
    assert.equal("cancelled", first:status())
  end)

  it("another Deferred is chained to it", function()
    local before = weir.Deferred()
    before:chain(claim)
    local co = weir.spawn(weir.await, claim)
    put(nil, "a")
    assert.equal("a", co:result())
    assert.equal("a", claim:result())
    before:callback("late")
    assert.equal("a", claim:result())
  end)

  it("it was fired with nothing, and waited for again", function()
    local co = weir.spawn(function()
      local got = { weir.await(claim) }
      got[#got + 1] = take()
      return table.unpack(got)
    end)
    claim:callback()
    assert.equal("waiting", co:status())
    co:cancel()
    assert.equal("cancelled", co:status())
    assert.equal(1, left)
  end)
end)
