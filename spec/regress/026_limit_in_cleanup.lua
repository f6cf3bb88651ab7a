local weir = require "weir"

describe("regression 026", function()
  local clock, before
  before_each(function()
    clock = weir.Clock()
    before = weir.clock(clock)
  end)
  after_each(function() weir.clock(before) end)

  -- A marked coroutine was taken for one that leaves already, though its cancel had struck before.
  it("3.3 a limit ends a wait of a cleanup behind a cancel", function()
    local ok, err
    local co = weir.spawn(function()
      pcall(weir.await, weir.Deferred())
      ok, err = pcall(weir.await, weir.Deferred(), 1)
    end)
    co:cancel("reason", 100)
    clock:advance(2)
    assert.is_false(ok)
    assert.equal("TimeoutError", err.name)
    assert.equal("cancelled", co:status())
    assert.equal("reason", select(2, pcall(co.result, co)).reason)
  end)

  it("3.3 so it does where another waiter keeps the Deferred", function()
    local ok, err
    local d = weir.Deferred()
    weir.spawn(function() weir.await(d) end)
    local co = weir.spawn(function()
      pcall(weir.await, weir.Deferred())
      ok, err = pcall(weir.await, d, 1)
    end)
    co:cancel("reason", 100)
    clock:advance(2)
    assert.is_false(ok)
    assert.equal("TimeoutError", err.name)
    assert.equal("cancelled", co:status())
    assert.equal("pending", d:status())
    d:callback()
  end)
end)
