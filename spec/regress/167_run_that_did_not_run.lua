-- A handle of somebody's that was made before luv.run, and closed behind it: when the state was closed luv crashed, if
-- the coroutine had not waited for anything, so that libuv's loop had not run.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local x = require "spec.uv"

describe("regress 167", function()
  it("8.4 the state can be closed", function()
    local output, how, status = x.program [[
      local luv = require "weir.luv"
      luv.listen("127.0.0.1", 0):close()
      luv.run()
      for _ = 1, 10 do
        local timer = luv.uv.new_timer()
        luv.run(function() end)
        timer:close()
      end
    ]]
    assert.same({ "", "exit", 0 }, { output, how, status })
  end)
end)
