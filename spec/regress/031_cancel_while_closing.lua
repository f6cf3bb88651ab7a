local weir = require "weir"

describe("regression 031", function()
  -- close detaches all that goes along before it runs the first handler: an adopter among them
  -- waited on nothing by then, which a cancel took for granted.
  it("8.4 a handler may cancel a Deferred between it and the coroutine that is closed", function()
    local adopter, cancelled
    local inner = weir.spawn(function()
      local _ <close> = setmetatable({}, {
        __close = function() cancelled = adopter:cancel("by the handler") end,
      })
      weir.await(weir.Deferred())
    end)
    adopter = weir.succeed():add_callback(function() return inner end)
    local outer = weir.spawn(function() weir.await(adopter) end)
    assert.is_true(outer:close())
    assert.is_boolean(cancelled)
    assert.equal("cancelled", inner:status())
    assert.equal("cancelled", adopter:status())
    assert.equal("cancelled", outer:status())
  end)
end)
