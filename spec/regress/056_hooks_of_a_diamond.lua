local h = require "spec.helper"
local weir = require "weir"

describe("regression 056", function()
  before_each(h.manual)
  after_each(h.restore)

  -- It was told of each step in between: freed with one side, held with the other, freed again.
  it("6.2 what a cancel frees from two sides is told once", function()
    local t = h.trace()
    local bottom = weir.Deferred {
      pause = function() t "pause" end,
      unpause = function() t "unpause" end,
      cancel = function() t "cancel" end,
    }
    local left, right = weir.spawn(weir.await, bottom), weir.spawn(weir.await, bottom)
    local top = weir.spawn(function() weir.await(weir.all { left, right }) end)
    top:pause()
    right:pause()
    top:cancel()
    assert.same({ "pause", "unpause", "cancel" }, t:list())
    assert.equal("cancelled", top:status())
  end)
end)
