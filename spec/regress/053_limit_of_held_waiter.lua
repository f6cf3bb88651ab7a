local h = require "spec.helper"
local weir = require "weir"

describe("regression 053", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- It saw the TimeoutError; what had come was lost.
  it("6.1 what came before the limit of a held waiter is delivered when it is free", function()
    local d = weir.Deferred()
    local co = weir.spawn(weir.await, d, 2):pause()
    d:callback "in time"
    clock:advance(2)
    co:unpause()
    assert.equal("in time", co:result())
  end)

  it("3.3 without that it leaves in time, held or not", function()
    local d = weir.Deferred()
    local co = weir.spawn(weir.await, d, 2):pause()
    clock:advance(2)
    assert.equal("cancelled", d:status())
    co:unpause()
    assert.equal("TimeoutError", h.raised(co.result, co).name)
  end)
end)
