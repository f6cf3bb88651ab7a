local h = require "spec.helper"
local weir = require "weir"

describe("regression 081", function()
  before_each(h.unhandled)
  after_each(h.restore)

  -- The debug library knew it still, under the thread, and called it when the next coroutine inherited a hook.
  it("8.4 the function of a hook does not outlive its coroutine", function()
    local threads, stale = {}, 0
    for _ = 1, 3 do
      weir.spawn(function()
        threads[coroutine.running()] = true
        weir.yield()
        debug.sethook(function() stale = stale + 1 end, "l")
      end)
    end
    weir.step()
    stale = 0
    local reused = false
    weir.spawn(function()
      debug.sethook(h.ignore, "l")
      weir.spawn(function()
        reused = threads[coroutine.running()]
        local _ = 1
      end)
      debug.sethook()
    end):result()
    assert.is_true(reused)
    assert.equal(0, stale)
  end)
end)
