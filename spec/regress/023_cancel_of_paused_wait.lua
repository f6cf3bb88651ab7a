local weir = require "weir"

describe("regression 023", function()
  -- Only what had no outcome yet, or was a coroutine, was freed by its cancel.
  it("5.9 cancel overrides the pause of a Deferred that waits on another", function()
    local inner = weir.Deferred()
    local d = weir.succeed():add_callback(function() return inner end)
    d:pause()
    assert.is_true(d:cancel())
    assert.equal("cancelled", inner:status())
    assert.equal("cancelled", d:status())
  end)
end)
