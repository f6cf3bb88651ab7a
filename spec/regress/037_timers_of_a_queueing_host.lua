local h = require "spec.helper"
local weir = require "weir"

describe("regression 037", function()
  local real
  before_each(function()
    real = weir.clock()
    h.manual()
  end)
  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  -- It was left for the next step, as if a call from the host had woken it.
  it("3.5 what the timers of a step wake runs in that step, also when host calls only queue", function()
    local t = h.trace()
    local d = weir.Deferred()
    weir.inline(false)
    weir.spawn(function()
      t "began"
      weir.await(d)
      t "woken"
    end)
    real:after(0):add_callback(function()
      t "timer"
      d:callback()
    end)
    weir.step()
    assert.same({ "began", "timer", "woken" }, t:list())
  end)

  -- It went on although it was held.
  it("6.1 a paused caller that a budget shelved stays where it is until it is unpaused", function()
    local t = h.trace()
    local caller
    weir.inline(false)
    caller = weir.spawn(function()
      weir.current():pause()
      weir.spawn(function() weir.await(weir.Deferred()) end)
      t "went on"
    end)
    weir.step(0)
    weir.step()
    assert.same({}, t:list())
    caller:unpause()
    weir.step()
    assert.same({ "went on" }, t:list())
  end)
end)
