-- The memory of the timers of sleeps and limits, which lies in pages that all clocks share.
local weir = require "weir"
local h = require "spec.helper"

describe("timers", function()
  local MANY = 20000
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  describe("of very many give their memory back", function()
    -- A few come behind, so that all else that has grown gives its own back.
    local function kilobytes_behind(burst, n)
      burst(n)
      h.collect()
      burst(10)
      h.collect()
      clock:advance(0)
      weir.step()
      h.collect()
      return collectgarbage "count"
    end

    local function assert_given_back(burst)
      local before = kilobytes_behind(burst, MANY // 10)
      local after = kilobytes_behind(burst, MANY)
      assert.is_true(after - before < 500, ("%.0f KB more"):format(after - before)) -- each takes 64 bytes
    end

    it("7.2 when sleeps are cancelled", function()
      assert_given_back(function(n)
        local list = {}
        for i = 1, n do list[i] = weir.spawn(weir.sleep, 1) end
        for i = 1, n do list[i]:cancel() end
      end)
    end)

    it("7.2 when sleeps end", function()
      assert_given_back(function(n)
        for _ = 1, n do weir.spawn(weir.sleep, 1) end
        clock:advance(1)
      end)
    end)

    it("3.3 when what was waited for comes in time", function()
      assert_given_back(function(n)
        local gate = weir.Deferred()
        for _ = 1, n do weir.spawn(weir.await, gate, 1) end
        gate:callback()
        weir.step()
      end)
    end)

    it("3.3 when limits run out", function()
      assert_given_back(function(n)
        for _ = 1, n do weir.spawn(pcall, weir.await, weir.Deferred(), 1) end
        clock:advance(2)
      end)
    end)

    it("2.7 when the clock of timeouts is gone", function()
      local list = {}
      for i = 1, MANY do list[i] = weir.Deferred() end
      assert_given_back(function(n)
        local own = weir.Clock()
        for i = 1, n do own:timeout(list[i], 1) end
      end)
    end)

    it("2.8 when somebody has looked at the sleeps", function()
      assert_given_back(function(n)
        for _ = 1, n // 10 do weir.spawn(weir.sleep, 1) end
        for task in weir.tasks() do assert.is_not_nil(task.on) end
        clock:advance(1)
      end)
    end)
  end)

  it("7.2 of one clock stay where they are when another has none left", function()
    local other, woke = weir.Clock(), {}
    for i = 1, 300 do
      weir.spawn(function()
        clock:sleep(i)
        woke[#woke + 1] = i
      end)
    end
    weir.spawn(other.sleep, other, 1)
    other:advance(1)
    h.collect()
    local others = 0
    for _ = 1, 300 do
      weir.spawn(function()
        other:sleep(2)
        others = others + 1
      end)
    end
    clock:advance(300)
    assert.equal(300, #woke)
    for i = 1, 300 do assert.equal(i, woke[i]) end
    other:advance(2)
    assert.equal(300, others)
  end)
end)
