-- Within luv.run weir was taken out of the loop by luv.detach, and put in again only when libuv had nothing left: with
-- a handle that stays, never. And a coroutine that a callback of libuv had woken and that called uv.run was not told so
-- either, nor did its end end luv.run.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end
local luv = require "weir.luv"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.uv"

describe("regress 159", function()
  local handle

  before_each(function()
    h.unhandled()
    handle = luv.uv.new_timer()
    handle:start(20000, 0, function() handle:close() end)
  end)
  after_each(function()
    if not handle:is_closing() then handle:close() end
    h.restore()
    x.assert_nothing_left()
  end)

  it("luv.detach", function()
    local t = h.trace()
    assert.equal("ended", luv.run(function()
      weir.spawn(function()
        weir.sleep(0.01)
        t "slept"
      end)
      for _ = 1, 2 do
        weir.sleep(0.001)
        luv.detach()
        t "detached"
      end
      weir.sleep(0.02)
      return "ended"
    end))
    assert.same({ "detached", "detached", "slept" }, t:list())
    assert.is_true(handle:is_active())
  end)

  it("uv.run in a coroutine that a callback of libuv has woken", function()
    local d, behind = weir.Deferred(), false
    local alarm = luv.uv.new_timer()
    alarm:start(1, 0, luv.protect(function()
      alarm:close()
      d:callback()
    end))
    local message = h.raised(luv.run, function()
      weir.await(d)
      luv.uv.run()
      behind = true
    end)
    assert.matches("attempt to step inside a coroutine", message)
    assert.is_true(behind)
    assert.is_true(handle:is_active())
  end)
end)
