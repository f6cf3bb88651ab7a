local h = require "spec.helper"
local weir = require "weir"

describe("regression 036", function()
  before_each(h.manual)
  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  -- What a budget had stopped went on in the host's next call, without a budget.
  it("3.5 what a budget stopped waits for the next step, whatever the host calls", function()
    local t = h.trace()
    local function hop(i)
      t(tostring(i))
      if i < 3 then weir.noreturn(hop, i + 1) end
    end
    weir.inline(false)
    weir.spawn(hop, 1)
    weir.inline(true)
    weir.step(0)
    weir.Deferred():callback()
    weir.spawn(function() t "host" end)
    assert.same({ "1", "host" }, t:list())
    weir.step()
    assert.same({ "1", "host", "2", "3" }, t:list())
  end)
end)
