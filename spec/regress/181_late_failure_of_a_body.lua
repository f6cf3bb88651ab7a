-- With 168 the failure of a scope's own body behind the first one, or behind a cancel, was lost.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 181", function()
  after_each(h.restore)

  local function fails_late()
    pcall(weir.await, weir.Deferred())
    error("late", 0)
  end

  local WAYS = {
    ["the failure of a child"] = function()
      local gate = weir.Deferred()
      local d = weir.scope(function(scope)
        scope:spawn(weir.await, gate)
        fails_late()
      end)
      gate:errback "first"
      return d
    end,
    ["a cancel"] = function()
      local d = weir.scope(fails_late)
      d:cancel()
      return d
    end,
    ["the failure of a child, by another child"] = function()
      return weir.scope(function(scope)
        scope:spawn(fails_late)
        scope:spawn(error, "first", 0)
      end)
    end,
  }
  for what, make in pairs(WAYS) do
    it("8.1 9.2 it is reported, behind " .. what, function()
      local reports = h.unhandled()
      local d = make()
      assert.is_not_nil(h.raised(d.result, d))
      weir.step()
      assert.equal(1, #reports)
      assert.equal("late", reports[1].err)
    end)
  end
end)
