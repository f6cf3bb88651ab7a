local h = require "spec.helper"
local weir = require "weir"

describe("regression 058", function()
  before_each(h.manual)
  after_each(h.restore)

  -- That it had been cancelled before kept the close from overriding its pause.
  it("5.9 a close overrides the pause of a Deferred, also of one that was cancelled once", function()
    local d, later = weir.Deferred(), weir.Deferred()
    d:cancel()
    d:add_errback(function() return later end)
    local co = weir.spawn(weir.await, d)
    d:pause()
    assert.is_true(co:close())
    assert.same({ "cancelled", "cancelled" }, { co:status(), d:status() })
  end)
end)
