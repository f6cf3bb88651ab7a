local frames = require "spec.frames"
local h = require "spec.helper"
local weir = require "weir"

describe("regression 041", function()
  before_each(h.unhandled)
  after_each(h.restore)

  -- It was the line behind it, where the error is raised.
  it("8.2 an error at a raw yield has the line of the yield", function()
    local gate, line = weir.Deferred()
    local co = weir.spawn(function()
      line = frames.here(); coroutine.yield(gate)

      return true
    end)
    gate:errback "late"
    assert.same({ { line } }, frames.of(co:traceback()))
  end)
end)
