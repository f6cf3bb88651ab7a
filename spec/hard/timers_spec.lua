-- Timers that are frozen, resumed and frozen again, also where floating point comes to its bounds.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

describe("hard: timers", function()
  local clock, t
  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)
  after_each(h.restore)

  local function tracer(name) return function() t(name) end end
  local function armed(seconds, name) return weir.after(seconds):add_callback(tracer(name or "fired")) end

  -- Freezes d, lets that time pass, and lets d go on.
  local function freeze(d, seconds)
    d:pause()
    clock:advance(seconds)
    d:unpause()
  end

  -- Nothing happens before the last of these steps, and in that what is expected.
  local function assert_after_steps(expected, ...)
    local steps = { ... }
    for i, seconds in ipairs(steps) do
      assert.are.same({}, t:list())
      clock:advance(seconds)
      if i < #steps then assert.are.same({}, t:list()) end
    end
    assert.are.same(expected, t:list())
  end

  describe("frozen, resumed, frozen again", function()
    -- Each starts something that is to trace "fired" after ten seconds, and returns what to pause.
    local STARTS = {
      ["an after"] = function() return armed(10) end,
      ["a sleep"] = function() return weir.spawn(function() weir.sleep(10); t "fired" end) end,
      ["an every"] = function() return weir.every(10, tracer "fired") end,
      ["a sleep below another"] = function()
        return weir.spawn(weir.await, weir.spawn(weir.sleep, 10)):add_callback(tracer "fired")
      end,
      ["a sleep that is a part"] = function()
        return weir.settle { weir.Deferred():timeout(0), weir.spawn(weir.sleep, 10) }:add_callback(tracer "fired")
      end,
      ["an after that a callback returned"] = function()
        return weir.succeed():add_callback(function() return weir.after(10) end):add_callback(tracer "fired")
      end,
      ["a sleep behind a noreturn"] = function()
        return weir.spawn(function() weir.noreturn(function() weir.sleep(10); t "fired" end) end)
      end,
    }

    for name, start in pairs(STARTS) do
      it("6.2 the time that remained is kept each time: " .. name, function()
        local d = start()
        clock:advance(4)
        freeze(d, 100)
        clock:advance(3)
        d:pause()
        freeze(d, 100) -- held twice, and once more than it is let go
        clock:advance(100)
        d:unpause()
        assert_after_steps({ "fired" }, 2.5, 0.5)
        d:cancel()
      end)
    end

    it("6.2 by its clock and by itself, in any overlap, at changing speeds", function()
      local game = weir.Clock { speed = 2 }
      local d = game:after(16):add_callback(tracer "fired")
      clock:advance(1) -- 14 remain
      d:pause()
      game:pause()
      clock:advance(10)
      d:unpause()
      clock:advance(10)
      game:speed(4)
      game:unpause()
      clock:advance(1) -- 10 remain
      game:pause()
      d:pause()
      game:unpause()
      clock:advance(10)
      game:speed(0.5)
      d:unpause()
      clock:advance(4) -- 8 remain
      freeze(d, 64)
      assert_after_steps({ "fired" }, 15.5, 0.5)
    end)

    it("3.5 those of one deadline fire in the order in which they were last let go", function()
      local list = parts.list(4, function(i) return armed(8, i) end)
      for _, order in ipairs { { 1, 2, 3, 4 }, { 4, 2, 3, 1 }, { 2, 4, 1 } } do
        for _, d in ipairs(list) do d:pause() end
        clock:advance(1)
        for _, i in ipairs(order) do list[i]:unpause() end
      end
      list[3]:unpause()
      clock:advance(1)
      list[4]:pause():unpause()
      assert_after_steps({ 2, 1, 3, 4 }, 6.5, 0.5)
    end)

    it("7.2 in the very instant of its deadline: it waits for the next advance, each time anew", function()
      local d
      weir.after(1):add_callback(function() d:pause():unpause() end)
      d = armed(1)
      clock:advance(5)
      assert.are.same({}, t:list())
      freeze(d, 0)
      d:pause()
      assert_after_steps({}, 0, 7)
      d:unpause()
      assert_after_steps({ "fired" }, 0)
    end)

    it("7.2 with no time at all, before its first advance", function()
      local d = armed(0)
      freeze(d, 5)
      freeze(d, 5)
      assert_after_steps({ "fired" }, 0)
    end)
  end)

  describe("at float boundaries", function()
    local BIT = 2.0 ^ -53 -- of 1

    it("6.2 the last bit of a second remains, however often it is frozen", function()
      local d = armed(1)
      clock:advance(1 - BIT)
      for _ = 1, 3 do freeze(d, 0) end
      assert.are.equal(BIT, weir.step())
      assert_after_steps({ "fired" }, 0, BIT)
      assert.are.equal(1, clock:now())
    end)

    it("6.2 what remains is too little for the time that it is by then: due in the next advance", function()
      local d = armed(1)
      clock:advance(1 - BIT)
      freeze(d, 2.0 ^ 53)
      assert.are.equal(0, weir.step())
      freeze(d, 0)
      assert_after_steps({ "fired" }, 0)
    end)

    it("6.2 a clock so late that it counts by twos: kept as exactly as it can tell", function()
      clock:advance(2.0 ^ 53)
      local d = armed(6)
      clock:advance(2)
      freeze(d, 1) -- which it cannot tell from none
      freeze(d, 4)
      assert.are.equal(4, weir.step())
      assert_after_steps({ "fired" }, 2, 2)
    end)

    it("6.2 the least and the greatest numbers", function()
      local least, great = armed(2.0 ^ -1074, "least"), armed(2.0 ^ 1023, "great")
      freeze(least, 0)
      assert.are.equal(2.0 ^ -1074, weir.step())
      clock:advance(2.0 ^ -1074)
      assert.are.same({ "least" }, t:list())
      clock:advance(2.0 ^ 1022)
      freeze(great, 2.0 ^ 1022)
      assert.are.equal(2.0 ^ 1022, weir.step())
      clock:advance(2.0 ^ 1022)
      assert.are.same({ "least", "great" }, t:list())
    end)

    it("7.1 infinity stays infinity", function()
      local d, co = armed(math.huge), weir.spawn(weir.sleep, math.huge)
      for _ = 1, 2 do
        clock:advance(2.0 ^ 1022)
        freeze(d, 2.0 ^ 1021)
        freeze(co, 0)
      end
      assert.is_nil(weir.step())
      assert.are.same({ "pending", "waiting" }, { d:status(), co:status() })
      assert.is_true(d:cancel())
      assert.is_true(co:cancel())
    end)

    -- Numbers between 0 and 1, the same ones each time; none of them is a short binary fraction.
    local function fractions(seed)
      local x = seed
      return function()
        x = (x * 1103515245 + 12345) % 2147483648
        return x / 2147483647.3
      end
    end

    -- Freezes d again and again while time goes by: how much of it counted.
    local function freeze_at_random(d, fraction)
      local counted = 0
      for _ = 1, 5 do
        local before = clock:now()
        clock:advance(fraction() / 7)
        counted = counted + (clock:now() - before)
        freeze(d, fraction() * 1000)
      end
      return counted
    end

    it("7.3 who advances by what step tells comes to it, neither early nor in ever smaller steps", function()
      for seed = 1, h.scale(20000) do
        local fraction = fractions(seed)
        local seconds = 1 + fraction()
        local d = weir.after(seconds)
        local counted, advances = freeze_at_random(d, fraction), 0
        while d:status() == "pending" do
          local left = weir.step()
          advances, counted = advances + 1, counted + left
          clock:advance(left)
        end
        if advances > 2 or math.abs(counted - seconds) > 1e-6 then
          error(("seed %d: %d advances, %.17g for %.17g"):format(seed, advances, counted, seconds))
        end
      end
    end)

    it("7.2 nor on a clock whose speed is no binary fraction", function()
      for seed = 1, h.scale(20000) do
        local fraction = fractions(seed)
        local game = weir.Clock { speed = 10 ^ (6 * fraction() - 3) }
        local d, advances = game:after(fraction()), 0
        freeze(d, fraction() * 1000)
        while d:status() == "pending" and advances < 10 do
          advances = advances + 1
          clock:advance(weir.step())
        end
        if advances > 2 then error("seed " .. seed) end
      end
    end)
  end)
end)
