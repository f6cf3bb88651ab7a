-- A thread that was closed inside of an xpcall kept its handler, and a stack overflow of C in the next coroutine that
-- got the thread called that, beyond its stack.
local process = require "spec.process"

describe("regression 148", function()
  it("8.4 the thread is not used again, where Lua keeps it", function()
    local output, ok = process.run [[
      local weir = require "weir"
      weir.on_unhandled(function() end)
      local function deep(n)
        if n == 0 then return xpcall(weir.await, function(err) return err end, weir.Deferred()) end
        return (deep(n - 1))
      end
      local function nested(n, f)
        if n == 0 then return f() end
        string.gsub("x", "x", function() nested(n - 1, f) end)
      end
      local ended = {}
      for n = 150, 199 do
        local co = weir.spawn(deep, 200)
        co:close()
        pcall(nested, n, function() ended[weir.spawn(function() return 1 end):status()] = true end)
      end
      print(ended.success, ended.failure)
    ]]
    assert.same({ "true\ttrue\n", true }, { output, ok })
  end)
end)
