local at_next_allocation = require "spec.regress.finalizer"
local weir = require "weir"

local COUNT = 20000 -- more than the ready queue has memory for

describe("regression 012", function()
  after_each(function()
    collectgarbage("incremental")
    weir.inline(true)
  end)

  local function waiting(d)
    local all, state = {}, { left = COUNT }
    for i = 1, COUNT do
      all[i] = weir.spawn(function()
        weir.await(d)
        state.left = state.left - 1
      end)
    end
    return state, all
  end

  -- A ticket was read, memory made for it, and the ticket, another one by now, taken.
  it("3.5 a finalizer that wakes a coroutine while another is being queued loses neither", function()
    local d, other, woken = weir.Deferred(), weir.Deferred(), false
    local state = waiting(d)
    weir.spawn(function()
      weir.await(other)
      woken = true
    end)
    weir.inline(false)
    at_next_allocation(function() other:callback() end)
    d:callback()
    weir.step()
    collectgarbage() -- if no allocation of the step did
    weir.step()
    assert.is_true(woken)
    assert.equal(0, state.left)
  end)

  -- One that ended while it was being queued was resumed all the same.
  it("8.4 a finalizer may close the coroutine that is being queued", function()
    local d = weir.Deferred()
    local state, all = waiting(d)
    weir.inline(false)
    at_next_allocation(function()
      for i = 1, COUNT do all[i]:close() end
    end)
    d:callback()
    weir.step()
    collectgarbage()
    weir.step()
    local closed = 0
    for i = 1, COUNT do
      if all[i]:status() == "cancelled" then closed = closed + 1 end
    end
    assert.equal(closed, state.left)
  end)
end)
