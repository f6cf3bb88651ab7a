-- One source chained twice into a Deferred that is held: when that was fired the first of the two links was let go of,
-- and the look for circles came by the other one to what it had no way back from. It crashed.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 104: chained twice, and held", function()
  after_each(h.restore)

  it("8.4 fired while it is held, with links made by its own hook", function()
    h.unhandled()
    local source
    local d = weir.Deferred { pause = function(d)
      source = weir.any { weir.scope(function() weir.await(weir.Deferred()) end) }
      source:chain(d):chain(d)
    end }
    d:pause()
    d:callback("v")
    assert.are.equal("pending", source:status())
    d:unpause()
    assert.are.equal("v", d:result())
  end)
end)
