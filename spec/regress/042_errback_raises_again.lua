local frames = require "spec.frames"
local h = require "spec.helper"
local weir = require "weir"

describe("regression 042", function()
  before_each(h.unhandled)
  after_each(h.restore)

  -- Only the errback was left of its traceback.
  it("8.2 an error that an errback raises again keeps where it came from", function()
    local line
    local co = weir.spawn(function() line = frames.here(); error("lost", 0); return true end)
    co:add_errback(function(err) error(err, 0) end)
    assert.same({ line }, frames.of(co:traceback())[1])
  end)
end)
