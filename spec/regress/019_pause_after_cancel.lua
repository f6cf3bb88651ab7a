local weir = require "weir"

describe("regression 019", function()
  -- The pauses that the cancel overrode were still counted when they had been taken back.
  it("6.1 a Deferred that was cancelled while paused can be paused again", function()
    local d, ran = weir.Deferred(), false
    d:pause()
    d:pause()
    d:cancel()
    d:unpause()
    d:pause()
    d:add_errback(function() ran = true end)
    assert.is_false(ran)
    assert.equal("pending", d:status())
    d:unpause()
    assert.is_true(ran)
  end)
end)
