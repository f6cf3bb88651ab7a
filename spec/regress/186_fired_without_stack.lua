-- Where the stack had no room for callbacks, a timer of nested clocks fired its Deferred and then raised,
-- with nobody left to tell it: its callbacks never ran, and who waited for it was never told.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 186", function()
  after_each(h.restore)

  --- Calls f with n values on the stack below it; returns whether there was room for them and for f.
  local function call_above(n, f)
    local called = false
    pcall(coroutine.wrap(function()
      (function(...)
        called = pcall(f)
        return select("#", ...)
      end)(table.unpack({}, 1, n))
    end))
    return called
  end

  --- A clock `levels` below that one.
  local function nested(clock, levels)
    return levels == 0 and clock or nested(weir.Clock { parent = clock }, levels - 1)
  end

  it("8.4 a Deferred that is fired where there is no stack to tell it is told later", function()
    local all, none = 0, 0
    for n = 999955, 999980 do
      local clock, log = weir.Clock(), {}
      local d = nested(clock, 3):after(1)
      d:add_callback(function() log[#log + 1] = "callback" end)
      weir.spawn(function()
        weir.await(d)
        log[#log + 1] = "waiter"
      end)
      if call_above(n, function() clock:advance(1) end) then
        all = all + 1
      elseif d:status() == "pending" then
        none = none + 1
      end
      clock:advance(1)
      weir.step()
      assert.same({ "callback", "waiter" }, log, n)
    end
    assert.is_true(all > 0 and none > 0)
  end)
end)
