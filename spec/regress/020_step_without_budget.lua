local weir = require "weir"

describe("regression 020", function()
  -- Timers came after all that was ready, and a spent budget ended the step before them.
  it("7.3 steps with no budget still get to the timers", function()
    local go_on, fired = true, false
    local co = weir.spawn(function()
      while go_on do weir.yield() end
    end)
    weir.after(0):add_callback(function() fired = true end)
    for _ = 1, 100 do weir.step(0) end
    local fired_meanwhile = fired
    go_on = false
    weir.step()
    assert.equal("success", co:status())
    assert.is_true(fired_meanwhile)
  end)
end)
