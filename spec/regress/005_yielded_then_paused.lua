local weir = require "weir"

describe("regression 005", function()
  it("3.5 what yielded, was paused and unpaused from the host waits for the next step", function()
    local went_on = false
    local co = weir.spawn(function()
      weir.yield()
      went_on = true
    end)
    co:pause()
    co:unpause()
    assert.is_false(went_on)
    weir.step()
    assert.is_true(went_on)
  end)
end)
