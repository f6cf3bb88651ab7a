local h = require "spec.helper"
local weir = require "weir"

describe("regression 033", function()
  before_each(h.manual)
  after_each(h.restore)

  -- It raised an argument error of another function, after the call.
  it("2.11 maybe takes whatever the function returns, a Deferred among others too", function()
    local inner = weir.Deferred()
    local one, two = weir.maybe(function() return 1, inner end):result()
    assert.equal(1, one)
    assert.equal(inner, two)
    assert.equal(inner, weir.maybe(function() return inner end))
  end)
end)
