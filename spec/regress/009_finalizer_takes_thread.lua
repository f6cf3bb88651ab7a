local at_next_allocation = require "spec.regress.finalizer"
local weir = require "weir"

describe("regression 009", function()
  after_each(function() collectgarbage("incremental") end)

  -- The pool counted a thread before it had it; room for it was made in between.
  it("8.4 a finalizer may spawn while the thread of an ended coroutine is put away", function()
    local d, armed, spawned = weir.Deferred(), false, 0
    local function body() spawned = spawned + 1 end
    for _ = 1, 1000 do
      weir.spawn(function()
        weir.await(d)
        if not armed then
          armed = true
          at_next_allocation(function()
            for _ = 1, 1100 do weir.spawn(body) end
          end)
        end
      end)
    end
    d:callback()
    collectgarbage()
    weir.step()
    assert.equal(1100, spawned)
  end)
end)
