-- Room for timers was made without a collection, each time that they had doubled: as Lua begins one
-- anew then, a clock that many came to made the collector look at everything far more often than it
-- had to.
local weir = require "weir"
local h = require "spec.helper"

local MANY = 50000

describe("regress 187", function()
  after_each(h.restore)

  local function plain(i) return { i, i, i, i, i, i, i, i } end

  local WAYS = {
    after = function(clock)
      clock:after(1)
    end,
    timeout = function(clock)
      clock:timeout(weir.Deferred(), 1)
    end,
  }
  for name, arm in pairs(WAYS) do
    it("7.2 timers of " .. name .. " cost the collector as many cycles as other objects", function()
      local expected = h.cycles_of(MANY, plain)
      local clock = weir.Clock()
      local n = h.cycles(function()
        for _ = 1, MANY do arm(clock) end
      end)
      assert.is_true(n <= expected + 4, n .. " cycles, plain " .. expected)
    end)
  end
end)
