local h = require "spec.helper"
local weir = require "weir"

describe("regression 054", function()
  local clock
  before_each(function()
    clock = h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  -- Its old outcome was taken for the cancel error: here the table that packs two values.
  it("5.7 a cancelled coroutine that a callback keeps waiting ends cancelled when it is closed", function()
    local co = weir.spawn(function()
      pcall(weir.await, weir.Deferred())
      error("in cleanup", 0)
    end)
    co:cancel()
    co:add_errback(function() return "a", "b" end)
    co:add_callback(function() return weir.Deferred() end)
    assert.is_true(co:close())
    assert.equal("cancelled", co:status())
  end)

  -- The mark of the timeout stayed, and made a TimeoutError of any cancel that came of one.
  it("2.7 a timeout counts for what comes of it, and no later", function()
    local d, inner = weir.Deferred():timeout(1), weir.Deferred()
    d:add_errback(function() return inner end)
    weir.spawn(weir.await, d, 2)
    clock:advance(3)
    assert.equal("CancelledError", h.raised(d.result, d).name)
  end)
end)
