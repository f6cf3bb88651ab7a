-- A function called later: `after` and a callback, which is all that deferLater is.
local weir = require "weir"
local h = require "spec.helper"

describe("twisted: after", function()
  local clock, t

  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)

  after_each(h.restore)

  it("7.1 the function is called with its arguments behind the time, its value is the outcome", function()
    local mine = {}
    local d = clock:after(3, "foo", "bar"):add_callback(function(...)
      t { n = select("#", ...), ... }
      return mine
    end)
    clock:advance(2)
    assert.same({}, t:list())
    assert.equal("pending", d:status())
    clock:advance(1)
    assert.same({ { n = 2, "foo", "bar" } }, t:list())
    assert.is_true(rawequal(mine, d:result()))
  end)

  it("7.1 an error of the function is the failure, identity kept, and no error of the advance", function()
    local mine = {}
    local d = clock:after(1):add_callback(function() error(mine) end)
    clock:advance(1)
    assert.equal("failure", d:status())
    assert.is_true(rawequal(mine, h.raised(d.result, d)))
  end)

  it("7.1 cancelled in time the function is not called and no timer stays", function()
    local d = clock:after(1):add_callback(function() t "called" end)
    assert.is_true(d:cancel())
    assert.is_true(weir.is_cancelled(h.raised(d.result, d)))
    assert.is_nil(weir.step())
    clock:advance(2)
    assert.same({}, t:list())
  end)

  it("7.1 without a function it succeeds with no value at all", function()
    local d = clock:after(2)
    clock:advance(1.5)
    assert.equal("pending", d:status())
    clock:advance(0.5)
    assert.equal("success", d:status())
    assert.equal(0, select("#", d:result()))
  end)

  it("7.1 a function that returns a Deferred is waited for, a coroutine function too", function()
    local gate = weir.Deferred()
    local late = clock:after(1):add_callback(function() return gate end)
    local slow = clock:after(1):add_callback(weir.coroutine(function() clock:sleep(1); return "slept" end))
    clock:advance(1)
    assert.same({ "pending", "pending" }, { late:status(), slow:status() })
    clock:advance(1)
    assert.same({ "pending", "success" }, { late:status(), slow:status() })
    gate:callback("opened")
    assert.same({ "opened", "slept" }, { late:result(), (slow:result()) })
  end)
end)
