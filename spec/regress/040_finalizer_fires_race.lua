local at_next_allocation = require "spec.regress.finalizer"
local h = require "spec.helper"
local weir = require "weir"

describe("regression 040", function()
  before_each(h.unhandled)
  after_each(function()
    collectgarbage("incremental")
    h.restore()
  end)

  -- The note of its failure was taken for one of the parts.
  it("9.1 a race that a finalizer fires while its losers are being cancelled keeps that outcome", function()
    local first, second = weir.Deferred(), weir.Deferred()
    local race = weir.race { first, second }
    at_next_allocation(function() race:errback "by hand" end)
    first:callback()
    assert.equal("by hand", h.raised(race.result, race))
    assert.equal("pending", second:status())
  end)
end)
