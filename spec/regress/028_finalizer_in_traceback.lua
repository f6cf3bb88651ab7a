local at_next_allocation = require "spec.regress.finalizer"
local weir = require "weir"

describe("regression 028", function()
  after_each(function() collectgarbage("incremental") end)

  -- The walk along a thread's calls allocates; a finalizer took the calls away under it.
  it("8.4 a finalizer may close a coroutine whose traceback is being made", function()
    local function deep(n)
      if n == 0 then
        weir.await(weir.Deferred())
      else
        deep(n - 1)
      end
      return n
    end
    for depth = 1, 20 do
      local co = weir.spawn(deep, depth)
      local whole = co:traceback()
      at_next_allocation(function() co:close() end)
      local trace = co:traceback()
      collectgarbage()
      assert.equal("cancelled", co:status())
      assert.is_true(trace == whole or trace == co:traceback(), trace)
    end
  end)
end)
