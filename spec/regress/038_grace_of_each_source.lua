local h = require "spec.helper"
local weir = require "weir"

-- Swallows every cancel.
local function stubborn()
  return weir.spawn(function()
    while true do pcall(weir.sleep, 1000) end
  end)
end

describe("regression 038", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- Only one of them was closed.
  it("5.6 the grace of a Deferred that several are chained into ends each of them", function()
    local a, b, other = stubborn(), stubborn(), weir.Deferred()
    a:chain(other)
    b:chain(other)
    assert.is_true(other:cancel(nil, 1))
    clock:advance(1)
    assert.same({ "cancelled", "cancelled", "cancelled" }, { a:status(), b:status(), other:status() })
  end)

  -- The one that is chained went on for ever.
  it("5.6 the grace of a coroutine ends what is chained into what it awaits", function()
    local inner, other = stubborn(), weir.Deferred()
    inner:chain(other)
    local outer = weir.spawn(weir.await, other)
    outer:cancel(nil, 1)
    clock:advance(1)
    assert.same({ "cancelled", "cancelled", "cancelled" }, { inner:status(), other:status(), outer:status() })
  end)
end)
