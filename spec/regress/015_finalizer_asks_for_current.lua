local weir = require "weir"

describe("regression 015", function()
  after_each(function() collectgarbage("incremental") end)

  -- While a caller went aside nothing was on the stack of what runs, but something was said to run
  -- (seen only with Lua's API checks on).
  it("3.9 a finalizer may ask for the current coroutine while a caller goes aside", function()
    local asking, seen = true, {}
    local function ask()
      local current = weir.current()
      seen[#seen + 1] = current == nil or weir.is_deferred(current)
      if asking then setmetatable({}, { __gc = ask }) end
    end
    local function nest(n)
      if n > 0 then weir.spawn(nest, n - 1) end
    end
    collectgarbage("generational", 1)
    ask()
    weir.spawn(nest, 20000)
    asking = false
    for _, is_right in ipairs(seen) do
      assert.is_true(is_right)
    end
  end)
end)
