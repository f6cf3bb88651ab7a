-- A thread that somebody else had resumed, and that ran, was given to the next coroutine when its own was closed.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 150", function()
  before_each(h.unhandled)
  after_each(h.restore)

  it("8.4 it is let go", function()
    local gate, thread, outer, fresh = weir.Deferred(), nil, nil, {}
    local inner = weir.spawn(function()
      thread = coroutine.running()
      pcall(weir.await, gate) -- resumed by others, it raises
      coroutine.wrap(function()
        outer:close()
        weir.spawn(weir.await, weir.Deferred())
        for _ = 1, 3 do fresh[#fresh + 1] = weir.spawn(function() return "fresh" end) end
      end)()
    end)
    outer = weir.spawn(function() weir.await(inner) end)
    coroutine.resume(thread)
    fresh[#fresh + 1] = weir.spawn(function() return "fresh" end)
    for _, co in ipairs(fresh) do assert.equal("fresh", co:result()) end
  end)
end)
