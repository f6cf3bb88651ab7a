-- A program's own uv.run "once" came back for a timer of weir's, but not to weir. In luv.run, luv.detach made what
-- came behind it a DeadlockError.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local x = require "spec.uv"

describe("regression 140", function()
  after_each(x.assert_nothing_left)

  it("what sleeps is woken by rounds, one by one", function()
    local sleeping = weir.spawn(weir.sleep, 0.01)
    local rounds = 0
    luv.attach()
    repeat
      luv.uv.run "once"
      rounds = rounds + 1
    until sleeping:status() ~= "waiting" or rounds == 1000
    assert.equal("success", sleeping:status())
  end)

  it("luv.run goes on behind a detach", function()
    assert.equal("slept", x.run(function()
      luv.detach()
      weir.sleep(0.001)
      return "slept"
    end))
  end)
end)
