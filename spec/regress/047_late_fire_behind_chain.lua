local h = require "spec.helper"
local weir = require "weir"

describe("regression 047", function()
  before_each(h.manual)
  after_each(h.restore)

  -- It raised: the chained source's cancel error had fired it.
  it("2.2 one late fire of a cancelled Deferred is dropped, also if a source of it has answered", function()
    local other = weir.Deferred()
    weir.Deferred():chain(other)
    other:cancel()
    assert.equal("cancelled", other:status())
    assert.equal(other, other:callback())
    assert.equal("AlreadyCalledError", h.raised(other.callback, other).name)
  end)

  it("2.2 one that is fired by hand before its sources have answered drops nothing", function()
    local gate, other = weir.Deferred(), weir.Deferred()
    weir.spawn(function()
      pcall(weir.sleep, 1)
      weir.await(gate)
    end):chain(other)
    other:cancel()
    other:callback "by hand"
    assert.equal("by hand", other:result())
    assert.equal("AlreadyCalledError", h.raised(other.callback, other).name)
  end)
end)
