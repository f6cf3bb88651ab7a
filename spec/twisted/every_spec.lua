-- A function called again and again: `every` is LoopingCall with the count of `withCount`, started `now=False`.
-- What Twisted calls `stop` is `cancel`, so a loop that was stopped ends cancelled.
local weir = require "weir"
local h = require "spec.helper"

describe("twisted: every", function()
  local clock, t

  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)

  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  -- Writes the time and the count of a call.
  local function tick(count) t(("%g x%s"):format(clock:now(), count)) end

  local function advance(times, seconds)
    for _ = 1, times do clock:advance(seconds) end
  end

  -- What the timers of this time woke runs only when the clock shows its end: the calls come late.
  local function late(seconds)
    weir.inline(false)
    clock:advance(seconds)
    weir.step()
    weir.inline(true)
  end

  local function assert_stopped(co)
    assert.equal("cancelled", co:status())
    assert.is_nil(weir.step())
    local n = #t:list()
    clock:advance(100)
    assert.equal(n, #t:list())
  end

  describe("on its clock", function()
    it("7.2 which is the loop's, as it is at the call of weir.every", function()
      local own = weir.Clock()
      weir.clock(own)
      local co = weir.every(1, function() t "tick" end)
      weir.clock(clock)
      clock:advance(5)
      assert.same({}, t:list())
      own:advance(1)
      assert.same({ "tick" }, t:list())
      co:cancel()
    end)

    it("7.1 the calls come an interval apart, the first one interval behind the start", function()
      local co = weir.every(0.1, tick)
      clock:advance(0.05)
      assert.same({}, t:list())
      advance(2, 0.1)
      assert.same({ "0.1 x1", "0.2 x1" }, t:list())
      assert.is_true(co:cancel())
      assert_stopped(co)
    end)

    it("7.2 an advance over several of them stops at each: none is skipped", function()
      local co = weir.every(0.5, tick)
      clock:advance(2)
      assert.same({ "0.5 x1", "1 x1", "1.5 x1", "2 x1" }, t:list())
      clock:advance(1)
      clock:advance(0)
      assert.same({ "0.5 x1", "1 x1", "1.5 x1", "2 x1", "2.5 x1", "3 x1" }, t:list())
      co:cancel()
    end)
  end)

  describe("skips", function()
    it("7.1 what passes while f runs, and the point that is just reached", function()
      local lasts = { 2, 1, 0 }
      local co = weir.every(0.5, function(count)
        tick(count)
        clock:advance(table.remove(lasts, 1))
      end)
      clock:advance(0.5)
      assert.equal(2.5, clock:now())
      clock:advance(0)
      clock:advance(0.5)
      assert.equal(4, clock:now())
      clock:advance(0)
      clock:advance(0.5)
      assert.same({ "0.5 x1", "3 x5", "4.5 x3" }, t:list())
      co:cancel()
    end)

    it("7.1 what has passed when f is called late, and counts it", function()
      local co = weir.every(0.5, tick)
      late(0.51)
      late(1.51)
      late(0)
      assert.same({ "0.51 x1", "2.02 x3" }, t:list())
      co:cancel()
    end)

    it("7.1 nothing when f is called late by less than an interval, and keeps the grid", function()
      local co = weir.every(0.5, tick)
      late(0.51)
      late(0.875)
      late(0.125)
      assert.same({ "0.51 x1", "1.385 x1", "1.51 x1" }, t:list())
      co:cancel()
    end)

    it("7.1 what passes until a Deferred has fired that f returned, and counts it", function()
      local d = weir.Deferred()
      local co = weir.every(0.2, function(count)
        tick(count)
        if count == 1 then return d end
      end)
      clock:advance(0.2)
      clock:advance(0.4)
      assert.same({ "0.2 x1" }, t:list())
      d:callback()
      assert.same({ "0.2 x1" }, t:list())
      clock:advance(0.2)
      assert.same({ "0.2 x1", "0.8 x3" }, t:list())
      co:cancel()
    end)

    -- Ten times 0.1 is less than 1 by a bit, and 0.1 is none of the numbers that a binary fraction hits.
    it("7.1 no more than there is: where tenths do not add up the counts do, none is zero", function()
      for _, go in ipairs { late, function(seconds) clock:advance(seconds) end } do
        local start, sum = clock:now(), 0
        local co = weir.every(0.1, function(count)
          t(count)
          sum = sum + count
        end)
        for _ = 1, 10 do go(0.1) end
        assert.is_true(sum == 9 or sum == 10)
        go(start + 1.05 - clock:now())
        assert.equal(10, sum)
        co:cancel()
      end
      for _, count in ipairs(t:list()) do assert.is_true(count >= 1) end
    end)
  end)

  describe("without an interval", function()
    it("7.2 calls f once an advance, each time with a count of 1", function()
      local co
      co = weir.every(0, function(count)
        tick(count)
        if #t:list() == 5 then co:cancel() end
      end)
      assert.same({}, t:list())
      clock:advance(0)
      assert.same({ "0 x1" }, t:list())
      advance(4, 0)
      assert.same({ "0 x1", "0 x1", "0 x1", "0 x1", "0 x1" }, t:list())
      assert_stopped(co)
    end)

    it("7.1 waits for a Deferred of f, and counts 1 behind it, whatever the time", function()
      local d = weir.Deferred()
      local co = weir.every(0, function(count)
        tick(count)
        if #t:list() == 2 then return d end
      end)
      advance(2, 0)
      advance(2, 1)
      assert.same({ "0 x1", "0 x1" }, t:list())
      d:callback()
      assert.same({ "0 x1", "0 x1" }, t:list())
      advance(3, 0)
      assert.same({ "0 x1", "0 x1", "2 x1", "2 x1", "2 x1" }, t:list())
      co:cancel()
    end)
  end)

  describe("and f", function()
    it("7.1 f gets the count and nothing else; more is in the function itself", function()
      local function report(a, b, ...) t { a, b, select("#", ...), ... } end
      local co = weir.every(0.1, function(...) report("a", "b", ...) end)
      clock:advance(0.1)
      assert.same({ { "a", "b", 1, 1 } }, t:list())
      co:cancel()
    end)

    it("7.1 f is not called again before the Deferred that it returned has fired", function()
      local co
      co = weir.every(0.2, function(count)
        tick(count)
        return clock:after(1):add_callback(function() t(co:cancel()) end)
      end)
      clock:advance(0.2)
      clock:advance(0.8)
      assert.same({ "0.2 x1" }, t:list())
      clock:advance(0.2)
      assert.same({ "0.2 x1", true }, t:list())
      assert_stopped(co)
    end)

    it("7.1 a Deferred of f that fails later ends it with that failure", function()
      local mine = {}
      local co = weir.every(1, function()
        local d = weir.Deferred()
        clock:after(0.3):add_callback(function() d:errback(mine) end)
        return d
      end)
      clock:advance(1)
      assert.equal("waiting", co:status())
      clock:advance(0.3)
      assert.is_true(rawequal(mine, h.raised(co.result, co)))
      assert.is_nil(weir.step())
    end)
  end)

  describe("stopped", function()
    it("5.9 at once it calls nothing and leaves no timer, with an interval and without", function()
      for _, seconds in ipairs { 0, 10 } do
        local co = weir.every(seconds, tick)
        assert.is_true(co:cancel())
        assert_stopped(co)
      end
      assert.same({}, t:list())
    end)

    it("7.1 by a timer that comes before its first call it calls nothing", function()
      local co = weir.every(1, tick)
      clock:after(0):add_callback(function() t(co:cancel()) end)
      clock:advance(0)
      assert_stopped(co)
      assert.same({ true }, t:list())
    end)

    it("7.1 by f itself it calls f no more", function()
      local co
      co = weir.every(0, function()
        t "call"
        if #t:list() > 5 then co:cancel() end
      end)
      advance(10, 0)
      assert.same({ "call", "call", "call", "call", "call", "call" }, t:list())
      assert_stopped(co)
    end)

    it("5.6 by f, which then raises, it ends with that error", function()
      local mine, co = {}, nil
      co = weir.every(0.1, function()
        co:cancel()
        error(mine)
      end)
      clock:advance(0.1)
      assert.equal("failure", co:status())
      assert.is_true(rawequal(mine, h.raised(co.result, co)))
      assert.is_nil(weir.step())
    end)

    it("7.1 and started anew its grid is a new one: that is how it is reset", function()
      local co = weir.every(2, tick)
      clock:advance(1)
      co:cancel()
      co = weir.every(2, tick)
      clock:advance(1)
      assert.same({}, t:list())
      clock:advance(1)
      assert.same({ "3 x1" }, t:list())
      co:cancel()
    end)
  end)

  it("2.11 its tostring is that of a Coroutine which waits for its time", function()
    local co = weir.every(1, tick)
    assert.matches("^Coroutine.*0x%x+ %(waiting, waits on Clock: 0x%x+%)$", tostring(co))
    co:cancel()
    assert.matches("^Coroutine.*0x%x+ %(cancelled%)$", tostring(co))
  end)
end)
