-- A program that was started in a callback, and cancelled there, was not ended: what was to wait for its end had not
-- begun.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local x = require "spec.uv"

describe("regression 137", function()
  after_each(x.assert_nothing_left)

  it("the program gets the signal", function()
    local process
    x.run(function()
      weir.succeed():add_callback(function()
        process = luv.spawn("sleep", { args = { "100" } })
        assert.is_true(process.exited:cancel())
        assert.equal("cancelled", process.exited:status())
      end)
      weir.await(process.gone)
    end)
    assert.same({ 0, 15 }, { process.gone:result() })
  end)

  it("one that began then is as any other", function()
    x.run(function()
      local process
      weir.succeed():add_callback(function()
        process = luv.spawn("sleep", { args = { "100" } })
      end)
      weir.yield()
      local waiting = weir.spawn(weir.await, process.exited)
      assert.equal("waiting", process.exited:status())
      waiting:cancel()
      weir.yield()
      assert.equal("waiting", process.exited:status())
      assert.is_false(pcall(weir.await, process.exited))
      assert.same({ 0, 15 }, { process.gone:result() })
    end)
  end)
end)
