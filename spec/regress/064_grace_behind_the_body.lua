-- The grace time of a coroutine whose body had ended was forgotten if it stood below another in the tree; that
-- of one that had been closed was not.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 064: the grace time of a coroutine whose errback returned a Deferred", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  local function returning(pending, body)
    local co = weir.spawn(body or weir.yield)
    co:add_errback(function() return pending end)
    return co
  end

  it("5.6 ends it, in a tree as alone", function()
    local alone, below = returning(weir.Deferred()), returning(weir.Deferred())
    local above = weir.spawn(weir.await, below)
    alone:cancel(nil, 1)
    above:cancel(nil, 1)
    local other = weir.shield(below)
    assert.are.same({ "waiting", "waiting", "waiting" }, { alone:status(), above:status(), below:status() })
    clock:advance(1)
    assert.are.same({ "cancelled", "cancelled", "cancelled", "cancelled" },
      { alone:status(), above:status(), below:status(), other:status() })
  end)

  it("5.6 is over when it has settled", function()
    weir.inline(false)
    local pending, co = weir.Deferred(), weir.spawn(weir.yield)
    weir.step()
    co:cancel(nil, 1)
    weir.spawn(function() co:add_errback(function() return pending end) end)
    weir.step()
    assert.are.equal("waiting", co:status())
    clock:advance(1)
    weir.step()
    assert.are.equal("waiting", co:status())
  end)

  it("5.7 is over when it has been closed", function()
    local pending = weir.Deferred()
    local co = returning(pending, function()
      pcall(weir.yield)
      weir.yield()
    end)
    co:cancel(nil, 1)
    assert.are.equal("ready", co:status())
    co:close()
    assert.are.equal("waiting", co:status())
    clock:advance(1)
    assert.are.equal("waiting", co:status())
    pending:callback("v")
    assert.are.equal("v", co:result())
  end)
end)
