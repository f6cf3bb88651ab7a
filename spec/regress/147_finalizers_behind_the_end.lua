-- Finalizers of what is older than weir come behind the end of that, and crashed when they started something.
local process = require "spec.process"

describe("regression 147", function()
  it("8.4 they may call all of it", function()
    local output, ok = process.run [[
      local weir
      object = setmetatable({}, {
        __gc = function()
          local function works(f, ...) return (pcall(f, ...)) end
          print(weir.spawn(function() return 1 end):status())
          local d = weir.Deferred():add_both(print)
          d:callback(7)
          local co = weir.spawn(function() weir.await(weir.Deferred()) end)
          co:cancel()
          print(co:status(), co:close())
          local list = {}
          for i = 1, 300 do list[i] = weir.spawn(weir.await, weir.Deferred()) end
          for i = 1, 300 do list[i]:cancel() end
          print(works(weir.after, 1), works(weir.timing, true), works(weir.trace, io.stdout), works(weir.step))
        end,
      })
      weir = require "weir"
      for _ = 1, 5 do weir.spawn(function() end) end
    ]]
    assert.same({ "ready\ntrue\t7\ncancelled\ttrue\ntrue\tfalse\tfalse\tfalse\n", true }, { output, ok })
  end)
end)
