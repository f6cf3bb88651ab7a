local at_next_allocation = require "spec.regress.finalizer"
local weir = require "weir"

describe("regression 013", function()
  after_each(function() collectgarbage("incremental") end)

  -- The cancel error was made after the look at what is to be closed, and stored as its value.
  it("5.7 close leaves an outcome alone that a finalizer has just made", function()
    local d = weir.Deferred()
    local co = weir.spawn(function()
      weir.await(d)
      return "done"
    end)
    at_next_allocation(function() d:callback() end)
    local closed = co:close()
    assert.is_true(closed)
    if co:status() == "success" then
      assert.equal("done", co:result())
    else
      assert.equal("cancelled", co:status())
    end
  end)
end)
