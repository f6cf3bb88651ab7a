-- Round a circle of waits each was held by the other, and nobody by a pause any more.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 062: in a circle of waits", function()
  before_each(h.manual)
  after_each(h.restore)

  -- A Deferred that a coroutine awaits which is chained into it: still it can be fired by hand.
  local function circle()
    local d = weir.Deferred()
    local co = weir.spawn(function() return weir.await(d) end)
    co:chain(d)
    return d, co
  end

  local function assert_both(d, co, of_d, of_co)
    assert.are.same({ of_d, of_co }, { d:status(), co:status() })
  end

  it("6.1 the end of a pause ends the hold", function()
    for _, by_co in ipairs { false, true } do
      local d, co = circle()
      local paused = by_co and co or d
      paused:pause()
      paused:unpause()
      assert_both(d, co, "pending", "waiting")
      d:callback("x")
      assert_both(d, co, "success", "success")
    end
  end)

  it("6.3 one that still pauses holds both", function()
    local d, co = circle()
    d:pause()
    co:pause()
    d:unpause()
    d:callback("x")
    assert_both(d, co, "pending", "paused")
    co:unpause()
    assert_both(d, co, "success", "success")
  end)

  it("6.3 a pause of one outside holds both while it waits", function()
    local d = weir.Deferred()
    local co = weir.spawn(weir.await, d)
    local outside = weir.spawn(weir.await, co)
    outside:pause()
    assert.are.equal("paused", co:status())
    co:chain(d) -- now it waits for itself as well, and that one is not paused
    assert_both(d, co, "pending", "waiting")
    outside:cancel()
    assert_both(d, co, "pending", "waiting")
    d:callback("x")
    assert_both(d, co, "success", "success")
  end)

  it("6.1 through one of several sources", function()
    local d = weir.Deferred()
    local first, second = weir.spawn(weir.await, weir.Deferred()), weir.spawn(weir.await, d)
    first:chain(d)
    second:chain(d)
    for _, one in ipairs { d, second } do
      one:pause()
      one:unpause()
      assert_both(d, second, "pending", "waiting")
      assert.are.equal("waiting", first:status())
    end
  end)
end)
