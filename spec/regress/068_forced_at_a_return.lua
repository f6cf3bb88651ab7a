-- One that was to be closed at its next wait went on waiting for what its body returned.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 068", function()
  before_each(h.manual)
  after_each(h.restore)

  it("5.7 a close strikes the running one at what it returns to wait for", function()
    local t, d, above = h.trace(), weir.Deferred(), nil
    local below = weir.spawn(function()
      pcall(weir.yield)
      t(above:close())
      return d
    end)
    above = weir.spawn(weir.await, below)
    above:cancel("why")
    assert.are.same({ true }, t:list())
    assert.are.same({ "cancelled", "cancelled", "cancelled" }, { above:status(), below:status(), d:status() })
  end)
end)
