-- A finalizer that ran a generator while noreturn looked at its arguments made the hop a yield of nothing: another
-- coroutine ran the new body.
local process = require "spec.process"

describe("regression 149", function()
  it("4.1 the coroutine hops whenever garbage is collected", function()
    local output, ok = process.run [[
      local weir = require "weir"
      local done = 0
      local GC = {
        __gc = function()
          for _ in weir.wrap(function() coroutine.yield(1) end) do done = done + 1 end
        end,
      }
      local function new_body() -- a function that has not come back behind a hop
        return function(argument, n)
          setmetatable({}, GC)
          if n == 0 then return "end" end
          local next_body, noreturn, t = new_body(), weir.noreturn, {}
          t.x, t.y, t.z = 1, 2, 3 -- memory for which the collector is called next by noreturn
          noreturn(next_body, argument, n - 1)
        end
      end
      collectgarbage("incremental", 1, 1000, 1)
      local hopping = weir.spawn(new_body(), setmetatable({}, {}), 5000)
      local other = weir.spawn(function() return "other" end)
      collectgarbage("incremental", 200, 100, 13)
      print(hopping:result(), other:result(), done > 100)
    ]]
    assert.same({ "end\tother\ttrue\n", true }, { output, ok })
  end)
end)
