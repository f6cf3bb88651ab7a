local weir = require "weir"

describe("regression 006", function()
  -- More timers for the present instant than the heap of those set aside had room for.
  it("7.2 any number of timers armed for the present wait for the next advance", function()
    local clock, fired = weir.Clock(), 0
    clock:after(1):add_callback(function()
      for _ = 1, 5000 do
        clock:after(0):add_callback(function() fired = fired + 1 end)
      end
    end)
    clock:advance(1)
    assert.equal(0, fired)
    clock:advance(0)
    assert.equal(5000, fired)
  end)
end)
