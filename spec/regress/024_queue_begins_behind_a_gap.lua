local weir = require "weir"

local function adopter_of(d)
  return weir.succeed():add_callback(function() return d end)
end

describe("regression 024", function()
  -- A region of the queue that a nested fire had emptied began behind where it was to end.
  it("2.5 what settles behind a nested fire of several waiters is told", function()
    local inner, source = weir.Deferred(), weir.Deferred()
    local first, second = adopter_of(inner), adopter_of(inner)
    local outer = adopter_of(source)
    outer:add_callback(function() inner:callback("inner") end)
    local waiter = adopter_of(outer)
    source:callback("source")
    assert.equal("inner", first:result())
    assert.equal("inner", second:result())
    assert.equal("success", waiter:status())
  end)
end)
