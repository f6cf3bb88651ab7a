local h = require "spec.helper"
local weir = require "weir"

describe("regression 032", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- The parent woke the clock for a timer that was gone, and the next one fired in its place.
  it("7.2 a timer does not fire at the time of a cancelled one before it", function()
    local game = weir.Clock { parent = clock }
    local first, second = game:after(1), game:after(3)
    first:cancel()
    clock:advance(2)
    assert.equal("pending", second:status())
    clock:advance(1)
    assert.equal("success", second:status())
  end)

  -- The parent's own timer for the clock was waited for although nothing was on the clock any more.
  it("7.3 a cancelled timer on a clock with a parent is nothing to wait for", function()
    local game = weir.Clock { parent = clock }
    local d = game:after(1)
    assert.equal(1, weir.step())
    d:cancel()
    assert.is_nil(weir.step())
  end)
end)
