local weir = require "weir"

describe("regression 003", function()
  it("8.4 a Clock is no Deferred", function()
    local clock = weir.Clock()
    assert.is_false(weir.is_deferred(clock))
    assert.is_false(pcall(weir.Deferred().status, clock))
    assert.is_false(pcall(weir.shield, clock))
    assert.equal(clock, weir.succeed(clock):result())
  end)
end)
