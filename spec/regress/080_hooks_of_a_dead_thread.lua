local h = require "spec.helper"
local weir = require "weir"

describe("regression 080", function()
  before_each(h.unhandled)
  after_each(h.restore)

  -- Lua leaves the hooks of a thread that died in one switched off. The next coroutine on it had none.
  it("8.4 a thread that died in a hook is not used again", function()
    local threads = {}
    local function note()
      threads[coroutine.running()] = true
      weir.yield()
    end
    for _ = 1, 3 do weir.spawn(note) end
    weir.step()
    weir.inline(false)
    local co = weir.spawn(h.ignore)
    for thread in pairs(threads) do debug.sethook(thread, function() error("stop", 0) end, "c") end
    weir.step()
    assert.equal("stop", h.raised(co.result, co))
    for thread in pairs(threads) do debug.sethook(thread) end
    weir.inline(true)
    for _ = 1, 3 do
      local lines = 0
      weir.spawn(function()
        debug.sethook(function() lines = lines + 1 end, "l")
        lines = lines + 0
        debug.sethook()
      end):result()
      assert.is_true(lines > 0)
    end
  end)
end)
