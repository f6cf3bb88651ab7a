-- What a host's call ran at once could leave a value on the caller's stack, if that was a body that
-- somebody else had resumed: spawn returned that.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 184", function()
  after_each(h.restore)

  local WAYS = {
    ["which ends"] = function() end,
    ["which waits"] = function() weir.await(weir.Deferred()) end,
    ["which fails"] = function() error "failed" end,
  }
  for what, finish in pairs(WAYS) do
    it("3.1 8.4 spawn gives the Coroutine, " .. what .. ", though that cancels its caller", function()
      h.unhandled()
      local thread, caller, spawned
      caller = weir.spawn(function()
        thread = coroutine.running()
        coroutine.yield()
        spawned = weir.spawn(function()
          caller:cancel()
          finish()
        end)
      end)
      coroutine.resume(thread)
      assert.is_true(weir.is_deferred(spawned))
      weir.step()
    end)
  end
end)
