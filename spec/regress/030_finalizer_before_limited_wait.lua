local at_next_allocation = require "spec.regress.finalizer"
local weir = require "weir"

describe("regression 030", function()
  local clock, before
  before_each(function()
    clock = weir.Clock()
    before = weir.clock(clock)
  end)
  after_each(function()
    collectgarbage("incremental")
    weir.clock(before)
  end)

  -- The limit of a wait is made after the look for a cancel that is due.
  it("5.9 a cancel by a finalizer strikes at the limited wait that was about to begin", function()
    local d = weir.Deferred()
    local ok, err, cancelled
    local co
    co = weir.spawn(function()
      weir.yield()
      at_next_allocation(function() cancelled = co:cancel("reason") end)
      ok, err = pcall(weir.await, d, 100)
    end)
    weir.step()
    assert.is_true(cancelled)
    assert.is_false(ok)
    assert.is_true(weir.is_cancelled(err))
    assert.equal("cancelled", co:status())
    assert.equal("pending", d:status()) -- not registered
  end)
end)
