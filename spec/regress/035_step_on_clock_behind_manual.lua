local h = require "spec.helper"
local weir = require "weir"

describe("regression 035", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- Only a manual clock itself was asked for its deadline.
  it("7.3 step tells the deadline of a loop's clock that follows a manual one", function()
    weir.clock(weir.Clock { parent = clock })
    weir.after(5)
    assert.equal(5, weir.step())
    weir.clock():pause()
    assert.is_nil(weir.step()) -- frozen timers are nothing
  end)
end)
