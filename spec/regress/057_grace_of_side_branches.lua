local h = require "spec.helper"
local weir = require "weir"

describe("regression 057", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- The first answer ended the one at the top, and with it the grace time of all.
  it("5.6 grace ends what cleans up still when another has answered", function()
    local other = weir.Deferred()
    local slow = weir.spawn(function()
      while true do pcall(weir.sleep, 1000) end
    end)
    weir.spawn(weir.sleep, 1000):chain(other)
    slow:chain(other)
    local co = weir.spawn(weir.await, other)
    co:cancel(nil, 1)
    assert.equal("cancelled", co:status())
    clock:advance(1)
    assert.equal("cancelled", slow:status())
  end)
end)
