local h = require "spec.helper"
local weir = require "weir"

describe("regression 050", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- The second one, which found it cancelled, took the TimeoutError of the first away.
  it("2.7 the first of two timeouts wins also if the second comes before it has ended", function()
    local co = weir.spawn(function()
      pcall(weir.await, weir.Deferred())
      weir.sleep(2)
    end)
    co:timeout(1):timeout(2)
    clock:advance(3)
    assert.equal("TimeoutError", h.raised(co.result, co).name)
  end)
end)
