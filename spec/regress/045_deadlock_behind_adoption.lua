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
    local lines = {}
    for line in message:gmatch("\n  ([^\n]*)") do lines[#lines + 1] = line end
    assert.same({ tostring(outer), tostring(inner) }, { lines[2], lines[3] })
    assert.equal(3, #lines)
  end)
end)
