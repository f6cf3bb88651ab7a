-- What was to find queues again that an error had left took one that was being worked on for such: if a finalizer fired
-- something while a call from the host told of what was queued.
local process = require "spec.process"

describe("regression 155", function()
  it("2.3 each is told once, whenever garbage is collected", function()
    local output, ok = process.run [[
      local weir = require "weir"
      weir.on_unhandled(function() end)
      local fired, told = 0, 0
      local function count() told = told + 1 end
      local GC = {
        __gc = function()
          for _ = 1, 3 do
            fired = fired + 1
            weir.spawn(weir.await, weir.succeed()):add_both(count)
            local d = weir.Deferred():add_callback(function() return 1, 2 end)
            weir.all({ d }):add_both(count)
            d:callback()
          end
        end,
      }
      local sum = 0
      collectgarbage("incremental", 1, 1000, 1)
      for _ = 1, 3000 do
        local list = {}
        for i = 1, 3 do
          list[i] = weir.Deferred()
          list[i]:add_callback(function()
            setmetatable({}, GC)
            local t = {}
            t.x, t.y, t.z = 1, 2, 3
            return t.x, t.y
          end)
          list[i]:add_both(function() sum = sum + 1 end)
        end
        local first = weir.Deferred()
        for i = 1, 3 do first:chain(list[i]) end
        first:callback(1)
      end
      collectgarbage("incremental", 200, 100, 13)
      for _ = 1, 3 do
        collectgarbage()
        weir.step()
      end
      print(sum, told == 2 * fired, fired > 100)
    ]]
    assert.same({ "9000\ttrue\ttrue\n", true }, { output, ok })
  end)
end)
