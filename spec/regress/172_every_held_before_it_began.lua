-- weir.every that was held before its coroutine had begun: the time until then was counted as missed.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 172", function()
  after_each(h.restore)

  local MAKERS = {
    ["in a callback"] = function(make) weir.Deferred():add_callback(make):callback() end,
    ["where nothing runs at once"] = function(make)
      local inline = weir.inline(false)
      make()
      weir.inline(inline)
    end,
    ["from the host"] = function(make) make() end,
  }
  for where, call in pairs(MAKERS) do
    it("6.2 the grid waits: made " .. where, function()
      local clock, t, ticks = h.manual(), h.trace(), nil
      call(function()
        ticks = weir.every(1, function(n) t(clock:now() .. " " .. n) end)
        ticks:pause()
      end)
      clock:advance(10.25)
      ticks:unpause()
      clock:advance(1.5)
      ticks:pause()
      clock:advance(10)
      ticks:unpause()
      clock:advance(1)
      ticks:cancel()
      assert.same({ "11.25 1", "22.25 1" }, t:list())
    end)
  end
end)
