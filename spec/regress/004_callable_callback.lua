local weir = require "weir"

describe("regression 004", function()
  it("2.3 a callable table serves as the only callback", function()
    local callable = setmetatable({}, { __call = function(_, value) return value + 1 end })
    assert.equal(2, weir.succeed(1):add_callback(callable):result())
    assert.equal(3, weir.fail(2):add_errback(callable):result())
  end)
end)
