local at_next_allocation = require "spec.regress.finalizer"
local h = require "spec.helper"
local weir = require "weir"

describe("regression 010", function()
  after_each(function()
    collectgarbage("incremental")
    h.restore()
  end)

  -- The TimeoutError was made between the look at the wait and the leaving of it.
  it("3.3 a finalizer may fire what a coroutine waits on as its limit runs out", function()
    local clock, d = h.manual(), weir.Deferred()
    local co = weir.spawn(function() return weir.await(d, 1) end)
    at_next_allocation(function() d:callback("fired") end)
    clock:advance(1)
    collectgarbage()
    assert.equal("success", d:status())
    assert.not_equal("waiting", co:status())
  end)
end)
