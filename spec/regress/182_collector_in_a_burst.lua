-- Room for those that are in hand was made by half as much again as there was, each time without a
-- collection: as Lua begins one anew then, it had to look at everything far more often than at
-- plain coroutines that came as fast.
local weir = require "weir"
local h = require "spec.helper"

local DEPTH = 50000

describe("regress 182", function()
  after_each(h.restore)

  local function plain()
    local co = coroutine.create(coroutine.yield)
    coroutine.resume(co)
    return co
  end

  it("3.2 nesting costs the collector as many cycles as plain coroutines", function()
    local gate, nest = weir.Deferred(), nil
    function nest(depth)
      return weir.await(depth == 1 and gate or weir.spawn(nest, depth - 1))
    end
    local expected = h.cycles_of(DEPTH, plain)
    local n, top = h.cycles(function()
      return weir.spawn(nest, DEPTH)
    end)
    assert.is_true(n <= expected + 4, n .. " cycles, plain " .. expected)
    gate:callback "value"
    assert.equal("value", top:result())
  end)
end)
