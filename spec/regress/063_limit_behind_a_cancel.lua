-- The limit of a wait was taken for nothing once the coroutine was cancelled, also where the cancel could not
-- make it leave that wait.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 063", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  it("3.3 a limit ends the wait for what was about to answer at a cancel, and then did not", function()
    local d, pending, co = weir.Deferred(), weir.Deferred(), nil
    d:add_callback(function()
      co:cancel("why")
      return pending
    end)
    co = weir.spawn(weir.await, d, 1)
    d:callback()
    assert.are.equal("waiting", co:status())
    clock:advance(1)
    assert.are.equal("cancelled", co:status())
    assert.are.equal("why", h.raised(co.result, co).reason)
    assert.are.equal("cancelled", pending:status())
  end)
end)
