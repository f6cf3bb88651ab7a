-- The functions of weir.core that are meant for the library alone can be had by anybody: they took whatever they got
-- for a Deferred, and crashed.
local core = require "weir.core".functions
local weir = require "weir"
local h = require "spec.helper"

describe("regression 101: functions of the core", function()
  local join, d, co

  before_each(function()
    h.unhandled()
    join, d = core.join(), weir.Deferred()
    co = weir.spawn(weir.await, d)
  end)
  after_each(h.restore)

  local function assert_raises(message, name, ...)
    assert.matches(message, h.raised(core[name], ...))
  end

  it("8.4 raise for what is no Deferred, or not of the kind that they are for", function()
    for _, name in ipairs { "leaving", "outcome", "handled", "take", "decide", "leave", "follow", "succeed_with",
      "fail_with", "deadlock", "look", "above", "below" } do
      for _, wrong in ipairs { 1, "x", io.stdout, weir.Clock() } do
        assert_raises("bad argument #1 .*Deferred expected", name, wrong, d)
      end
    end
    for _, name in ipairs { "follow", "leave", "take", "decide" } do
      assert_raises("bad argument #1 .*a Deferred that can have parts", name, d, d)
    end
    assert.is_false(core.follow(join, 1))
    assert_raises("bad argument #1 .*Coroutine expected", "start", d)
    assert_raises("bad argument #1 .*Coroutine expected", "ahead", d, 1)
    assert_raises("bad argument #2 .*table expected", "above", d, 1)
    assert_raises("bad argument #2 .*table expected", "below", d, 1)
    assert_raises("bad argument #1 .*value expected", "quietly")
    assert_raises("bad argument #1 .*a Coroutine ends by itself", "succeed_with", co)
    assert_raises("bad argument #1 .*a Coroutine ends by itself", "fail_with", co, "x")
    assert_raises("bad argument #1 .*Coroutine expected", "on_hold", d, h.ignore, h.ignore)
    assert_raises("bad argument #1 .*value expected", "prepare")
    assert_raises("bad argument #2 .*value expected", "settled", false)
    assert.are.same({ "pending", "pending", "waiting" }, { join:status(), d:status(), co:status() })
  end)

  it("8.4 raise for an outcome that has not come", function()
    for _, name in ipairs { "take", "decide" } do
      assert_raises("bad argument #2 .*it has no outcome yet", name, join, co)
    end
    assert_raises("bad argument #1 .*it has no outcome yet", "outcome", d)
    assert.are.equal("pending", join:status())
  end)

  it("8.4 a claim that is none is nobody's", function()
    local flow = core.flow {}
    local put = core.putter(flow, function() end)
    for _, wrong in ipairs { io.stdout, co, d } do
      assert_raises("bad argument #2 .*claim expected", "flows", flow, wrong)
      assert_raises("bad argument #1 .*flow expected", "flows", wrong, nil)
    end
    put(nil, "v")
    assert.are.equal("pending", core.claim({}, io.stdout):status())
    assert.are.equal("waiting", co:status())
  end)
end)
