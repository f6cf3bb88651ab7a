local weir = require "weir"

describe("regression 027", function()
  local clock, before
  before_each(function()
    clock = weir.Clock()
    before = weir.clock(clock)
  end)
  after_each(function() weir.clock(before) end)

  -- Only the first coroutine of a cancelled tree has the timer of its grace; it ended before, and
  -- left a shared one alone.
  it("5.6 grace runs out for a tree whose first coroutine was closed", function()
    local inner = weir.spawn(function()
      pcall(weir.await, weir.Deferred())
      weir.await(weir.Deferred()) -- a cleanup that never ends
    end)
    local outer = weir.spawn(function() weir.await(inner) end)
    outer:cancel("reason", 1)
    local other = weir.spawn(function() weir.await(inner) end)
    outer:close()
    assert.equal("waiting", inner:status())
    clock:advance(10)
    assert.equal("cancelled", inner:status())
    assert.not_equal("waiting", other:status())
  end)
end)
