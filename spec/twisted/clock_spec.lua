-- Timers of a clock that a test drives. What a delayed call is in Twisted is here the Deferred of `clock:after`.
local weir = require "weir"
local h = require "spec.helper"

describe("twisted: clock", function()
  local clock, t

  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)

  after_each(h.restore)

  -- Arms a timer that writes its name and the time at which it came.
  local function arm(name, seconds)
    return clock:after(seconds):add_callback(function() t(("%s at %g"):format(name, clock:now())) end)
  end

  -- There is no reset: the old timer is cancelled and another one armed.
  local function rearm(old, name, seconds)
    assert.is_true(old:cancel())
    return arm(name, seconds)
  end

  local function advance(times, seconds)
    for _ = 1, times do clock:advance(seconds) end
  end

  it("7.2 a manual clock begins at zero and moves by its advances alone", function()
    assert.equal(0, clock:now())
    assert.equal(0, weir.Clock():now())
    weir.step()
    clock:advance(1.5)
    weir.step()
    assert.equal(1.5, clock:now())
    assert.equal(0, weir.Clock():now())
  end)

  it("7.1 a timer is a Deferred that is pending, with its time to come", function()
    local d = clock:after(1, "a", "b")
    assert.is_true(weir.is_deferred(d))
    assert.equal("pending", d:status())
    assert.equal(1, weir.step())
    clock:advance(0.25)
    assert.equal(0.75, weir.step())
  end)

  it("7.1 each timer is a Deferred of its own, whichever comes first", function()
    local late, soon = arm("late", 10), arm("soon", 1)
    assert.not_equal(late, soon)
    clock:advance(1)
    assert.same({ "pending", "success" }, { late:status(), soon:status() })
    assert.equal(9, weir.step())
    assert.same({ "soon at 1" }, t:list())
  end)

  it("7.1 a timer comes with the advance that reaches it, not before, and is then over", function()
    local d = arm("timer", 2)
    clock:advance(1)
    assert.same({}, t:list())
    clock:advance(1)
    assert.same({ "timer at 2" }, t:list())
    assert.equal("success", d:status())
    assert.is_nil(weir.step())
    clock:advance(10)
    assert.same({ "timer at 2" }, t:list())
  end)

  it("5.1 a timer that is cancelled in its own callback is over already: false, no error", function()
    local d
    d = clock:after(1):add_callback(function() t(d:cancel()) end)
    clock:advance(1)
    assert.same({ false }, t:list())
    assert.equal("success", d:status())
  end)

  it("6.2 a timer is delayed by holding it: it comes later by as long as it was held", function()
    local d = arm("held", 1)
    d:pause()
    clock:advance(1)
    d:unpause()
    clock:advance(0.5)
    assert.same({}, t:list())
    clock:advance(1)
    assert.same({ "held at 2" }, t:list())
  end)

  it("7.1 a timer is set anew, for later, by cancelling it and arming another", function()
    local d = arm("first", 2)
    clock:advance(1)
    local again = rearm(d, "again", 3)
    assert.equal(3, weir.step())
    clock:advance(2)
    assert.same({}, t:list())
    clock:advance(1)
    assert.same({ "again at 4" }, t:list())
    assert.same({ "cancelled", "success" }, { d:status(), again:status() })
  end)

  it("7.1 a timer is set anew, for sooner, by cancelling it and arming another", function()
    rearm(arm("first", 4), "again", 3)
    assert.equal(3, weir.step())
    clock:advance(3)
    assert.same({ "again at 3" }, t:list())
    assert.is_nil(weir.step())
  end)

  it("7.3 step tells the seconds to the nearest of several timers, as they come and go", function()
    local near, far = arm("near", 1), arm("far", 2)
    assert.equal(1, weir.step())
    near:cancel()
    assert.equal(2, weir.step())
    far:cancel()
    assert.is_nil(weir.step())
    assert.same({}, t:list())
  end)

  it("7.3 on a new clock there is nothing to come", function()
    assert.is_nil(weir.step())
    clock:advance(1)
    assert.is_nil(weir.step())
  end)

  it("3.5 one armed behind a timer that was set anew comes in the order of the deadlines", function()
    rearm(arm("a", 1), "a", 3)
    arm("b", 2)
    advance(3, 1)
    assert.same({ "b at 2", "a at 3" }, t:list())
  end)

  it("3.5 one armed before a timer was set anew comes in the order of the deadlines", function()
    local a = arm("a", 1)
    arm("b", 2)
    rearm(a, "a", 3)
    advance(3, 1)
    assert.same({ "b at 2", "a at 3" }, t:list())
  end)

  it("3.5 set anew in the callback of another it comes in the order of the deadlines", function()
    local b = arm("b", 2)
    clock:after(1):add_callback(function() rearm(b, "b", 3) end)
    arm("c", 3)
    advance(10, 0.5)
    assert.same({ "c at 3", "b at 4" }, t:list())
  end)

  it("3.5 set anew for the deadline of another it comes behind that one", function()
    local b = arm("b", 1)
    arm("c", 3)
    rearm(b, "b", 3)
    advance(3, 1)
    assert.same({ "c at 3", "b at 3" }, t:list())
  end)
end)
