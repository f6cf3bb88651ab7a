local h = require "spec.helper"
local weir = require "weir"

describe("regression 052", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- The number of its values was that of its sources; it crashed.
  it("2.6 a timer that a Deferred is chained into fires with its own values", function()
    local timer = weir.after(1, "a", nil, "c")
    local source = weir.Deferred():chain(timer)
    clock:advance(1)
    assert.same({ n = 3, "a", nil, "c" }, table.pack(timer:result()))
    source:callback()
    local none = weir.after(1)
    weir.Deferred():chain(none)
    clock:advance(1)
    assert.equal(0, select("#", none:result()))
  end)
end)
