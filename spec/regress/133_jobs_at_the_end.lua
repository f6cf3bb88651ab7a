-- Jobs of luv.work that were under way when the state was closed read code that was freed.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local x = require "spec.uv"

describe("regression 133", function()
  it("a program may end while its threads work", function()
    local output, how, status = x.program [[
      local luv = require "weir.luv"
      local count = luv.work(function(n)
        local sum = 0
        for i = 1, n do sum = sum + i end
        return sum
      end)
      print(pcall(luv.run, function()
        for _ = 1, 10 do count(1e6) end
        error("some mistake", 0)
      end))
    ]]
    assert.same({ "false\tsome mistake\n", "exit", 0 }, { output, how, status })
  end)
end)
