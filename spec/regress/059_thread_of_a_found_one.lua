-- A thread was used again while the finalizer that tells its coroutine is lost was still to come: that one
-- took the next coroutine on it for lost, or was no more there when that one was.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 059: the thread of a coroutine that a finalizer ended", function()
  before_each(h.manual)
  after_each(h.restore)

  -- The finalizer is younger than the one of the coroutine, so it is called first.
  local function lose(finalizer)
    local co = weir.spawn(weir.await, weir.Deferred())
    setmetatable({}, { __gc = function() finalizer(co) end })
  end

  it("3.8 one that is spawned there is not lost", function()
    local kept
    lose(function(co)
      co:close()
      kept = weir.spawn(weir.yield)
      kept:pause()
    end)
    h.collect()
    weir.step()
    assert.are.equal("paused", kept:status())
  end)

  it("3.8 one that is spawned there later is found when it is", function()
    local t = h.trace()
    lose(function(co) co:close() end)
    h.collect()
    local function lose_another()
      weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() t "cleaned up" end })
        weir.await(weir.Deferred())
      end)
    end
    lose_another()
    h.collect()
    weir.step()
    assert.are.same({ "cleaned up" }, t:list())
  end)
end)
