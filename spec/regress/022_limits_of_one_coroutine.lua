local h = require "spec.helper"
local weir = require "weir"

describe("regression 022", function()
  after_each(h.restore)

  -- Each time it was woken all its limits were looked through for that of the wait.
  it("2.7 a coroutine with many timeouts waits as fast as one with few", function()
    local clock, count = h.manual(), 20000
    local co = weir.spawn(function()
      for _ = 1, count do weir.await(weir.after(0)) end
    end)
    for _ = 1, count do co:timeout(1000) end
    local began = os.clock()
    for _ = 1, count do clock:advance(0) end
    assert.equal("success", co:status())
    assert.is_true(os.clock() - began < 0.5)
  end)
end)
