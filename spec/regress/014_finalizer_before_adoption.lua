local at_next_allocation = require "spec.regress.finalizer"
local weir = require "weir"

describe("regression 014", function()
  after_each(function() collectgarbage("incremental") end)

  local function adopts_and(act)
    local d = weir.Deferred()
    weir.spawn(function() weir.await(d) end) -- a second waiter needs a table
    local co
    co = weir.spawn(function()
      weir.yield()
      at_next_allocation(function() act(co) end)
      return d
    end)
    weir.step()
    return co, d
  end

  -- Between the end of the body and the wait on what it returned there was neither thread nor wait.
  it("4.2 a finalizer may close a coroutine that is about to adopt", function()
    local co = adopts_and(function(co) pcall(co.close, co) end)
    collectgarbage()
    co:close()
    assert.equal("cancelled", co:status())
  end)

  it("5.6 a finalizer may cancel a coroutine that is about to adopt", function()
    local cancelled
    local co, d = adopts_and(function(co) cancelled = co:cancel() end)
    collectgarbage()
    d:callback("value")
    if cancelled then
      assert.equal("cancelled", co:status())
    end
  end)
end)
