-- Where the stack had no room for what comes behind the first resume of a coroutine, the one that it
-- had called was never run, and counted as live for good.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 185", function()
  after_each(h.restore)

  --- spawn(f) with n values on the stack below it, if there is room for them.
  local function spawn_above(n, f)
    pcall(coroutine.wrap(function()
      (function(...)
        pcall(weir.spawn, f)
        return select("#", ...)
      end)(table.unpack({}, 1, n))
    end))
  end

  it("3.2 who is called runs later where there is no stack to look at its caller", function()
    h.unhandled()
    for n = 999950, 999985 do
      local called, ran
      local live = weir.stats().live -- of other specs, some perhaps lost
      spawn_above(n, function()
        called = true
        weir.spawn(function()
          ran = true
        end)
      end)
      weir.step()
      assert.equal(called, ran, n)
      assert.is_true(weir.stats().live <= live, n)
    end
  end)
end)
