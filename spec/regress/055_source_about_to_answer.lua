local h = require "spec.helper"
local weir = require "weir"

describe("regression 055", function()
  before_each(h.manual)
  after_each(h.restore)

  -- It was lost, unless the canceller happened to call weir.
  it("5.8 what a held source has brought is the answer to a cancel, whatever the canceller does", function()
    for _, canceller in ipairs { h.ignore, function() weir.Deferred():cancel() end } do
      local source, other = weir.Deferred(), weir.Deferred(canceller)
      source:chain(other)
      other:pause()
      source:callback "value"
      assert.is_true(other:cancel())
      assert.equal("value", other:result())
    end
  end)

  it("5.10 a cancel error of a hook is not reported", function()
    local reports, gone = h.unhandled(), weir.Deferred()
    gone:cancel()
    local d = weir.Deferred(function(d)
      d:callback()
      gone:result()
    end)
    d:cancel()
    weir.step()
    assert.equal(0, #reports)
  end)
end)
