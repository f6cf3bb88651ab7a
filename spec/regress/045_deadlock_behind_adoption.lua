local h = require "spec.helper"
local weir = require "weir"

describe("regression 045", function()
  before_each(h.manual)
  after_each(h.restore)

  -- What one waits on whose body has returned was not told.
  it("3.7 a DeadlockError follows coroutines that have returned what they wait on", function()
    local gate = weir.Deferred()
    local inner = weir.coroutine(function() return gate end, "inner")()
    local outer = weir.coroutine(function() return inner end, "outer")()
    local message = h.raised(weir.run, weir.await, outer).message
    local outer_line = "\n  " .. tostring(outer) .. "\n  "
    local _, last = message:find(outer_line, 1, true)
    assert.equal(tostring(inner), message:sub(last + 1):match("[^\n]*"))
  end)
end)
