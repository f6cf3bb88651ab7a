local at_next_allocation = require "spec.regress.finalizer"
local h = require "spec.helper"
local weir = require "weir"

describe("regression 011", function()
  before_each(h.unhandled)
  after_each(function()
    collectgarbage("incremental")
    h.restore()
  end)

  -- The note of the failure was stored over what held the Deferred that it had begun to wait on.
  it("8.1 a finalizer may handle a failure while it is being noted", function()
    weir.succeed() -- the queue has its memory
    local d = weir.Deferred()
    local function errback() return weir.Deferred() end
    at_next_allocation(function() d:add_errback(errback) end)
    d:errback("failure")
    h.collect()
    for _ = 1, 1000 do weir.Deferred() end
    assert.equal("pending", d:status())
    assert.is_true(d:cancel())
    assert.equal("cancelled", d:status())
  end)
end)
