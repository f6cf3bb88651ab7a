-- Contract 7.1 and 7.2: every, beyond what clock_spec.lua and pause_spec.lua say of it.
local weir = require "weir"
local h = require "spec.helper"

local spawn = weir.spawn
local real = weir.clock()

local function error_of(d) return h.raised(d.result, d) end

describe("every", function()
  local clock, t

  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)

  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  -- An every that writes the time and the count of each call, and then goes on as `more` does.
  local function start(seconds, more, on)
    on = on or clock
    return on:every(seconds, function(count)
      t(("%g x%s"):format(on:now(), count))
      if more then return more(count) end
    end)
  end

  local function sleeper(seconds)
    return function() clock:sleep(seconds) end
  end

  local function advance(...)
    for _, seconds in ipairs { ... } do clock:advance(seconds) end
  end

  -- Nothing is to come any more, and nothing comes.
  local function assert_over(co, status)
    assert.equal(status, co:status())
    assert.is_nil(weir.step())
    local n = #t:list()
    clock:advance(100)
    assert.equal(n, #t:list())
  end

  describe("and its grid", function()
    -- An every whose first call ends when that Deferred fires.
    local function start_held_up(seconds)
      local gate, n = weir.Deferred(), 0
      local co = start(seconds, function()
        n = n + 1
        return n == 1 and gate or nil
      end)
      return co, gate
    end

    it("7.1 a point that a division takes for past is not, before its time has come", function()
      local co, gate = start_held_up(1 / 3)
      for _ = 1, 10 do clock:advance(0.1) end
      assert.is_true(clock:now() < 1 and clock:now() // (1 / 3) == 3)
      gate:callback()
      advance(0.1)
      assert.same({ "0.333333 x1", "1 x2" }, t:list())
      co:cancel()
    end)

    it("7.1 points closer than numbers: as many as numbers can count are skipped, else one at a time", function()
      local co, gate = start_held_up(1e-300)
      advance(1e-300, 1)
      gate:callback()
      advance(0)
      assert.same({ "1e-300 x1", "1 x" .. 1 // 1e-300 }, t:list())
      co:cancel()
      co, gate = start_held_up(5e-324)
      advance(0, 1)
      gate:callback()
      advance(0, 0)
      assert.same({ "1 x1", "2 x1", "2 x1" }, table.move(t:list(), 3, 5, 1, {}))
      co:cancel()
    end)

    it("7.1 calls leave nothing to the collector", function()
      local calls = 0
      clock:every(1, function() calls = calls + 1 end)
      assert.equal(0, h.garbage(500, function() clock:advance(1) end))
      assert.equal(1001, calls)
    end)

    it("7.1 every call comes exactly at start + k intervals: nothing adds up", function()
      clock:advance(0.7)
      local began, n, wrong = clock:now(), 0, 0
      local co = weir.every(0.1, function()
        n = n + 1
        if clock:now() ~= began + n * 0.1 then wrong = wrong + 1 end
      end)
      for _ = 1, 500 do clock:advance(1.03) end
      clock:advance(0.05)
      assert.equal(5150, n)
      assert.equal(0, wrong)
      co:cancel()
    end)

    it("7.1 it begins at the call, though the body starts later", function()
      local co
      spawn(function()
        clock:sleep(1)
        weir.succeed():add_callback(function() co = start(1) end)
        clock:advance(0.75)
      end)
      advance(1, 0.125, 0.125)
      assert.same({ "2 x1" }, t:list())
      co:cancel()
      weir.inline(false)
      co = start(1)
      clock:advance(0.5)
      weir.inline(true)
      weir.step()
      clock:advance(0.5)
      assert.same({ "2 x1", "3 x1" }, t:list())
      co:cancel()
    end)

    it("7.1 an f that takes the whole interval skips the point just reached", function()
      local co = start(1, sleeper(1))
      clock:advance(7)
      assert.same({ "1 x1", "3 x2", "5 x2", "7 x2" }, t:list())
      co:cancel()
    end)

    it("7.1 behind one long call it is the old grid, and the count is 1 again", function()
      local co = start(1, function(count)
        if clock:now() == 2 then clock:sleep(2.5) end
        return count
      end)
      clock:advance(7)
      assert.same({ "1 x1", "2 x1", "5 x3", "6 x1", "7 x1" }, t:list())
      co:cancel()
    end)

    it("7.1 calls that come late leave it where it is", function()
      local co = start(1)
      weir.inline(false)
      for _, seconds in ipairs { 1.5, 1, 3.25, 0.25 } do
        clock:advance(seconds)
        weir.step()
      end
      assert.same({ "1.5 x1", "2.5 x1", "5.75 x3", "6 x1" }, t:list())
      co:cancel()
    end)

    it("7.1 each on its own: two of one instant are called in the order they were armed", function()
      local slow, fast = start(2, function() t "slow" end), start(1, function() t "fast" end)
      clock:advance(2)
      assert.same({ "1 x1", "fast", "2 x1", "slow", "2 x1", "fast" }, t:list())
      slow:cancel()
      fast:cancel()
    end)
  end)

  describe("and its count", function()
    it("7.1 is the one argument of f, an integer", function()
      local co = weir.every(0.1, function(...)
        t(select("#", ...))
        t(math.type((...)))
        clock:sleep(0.25)
      end)
      clock:advance(0.4)
      assert.same({ 1, "integer", 1, "integer" }, t:list())
      co:cancel()
    end)

    it("7.1 all counts together are the points of the grid, however long f takes", function()
      local seed, sum, calls, wrong = 7, 0, 0, 0
      local co = weir.every(0.5, function(count)
        sum, calls = sum + count, calls + 1
        if sum ~= clock:now() * 2 or count < 1 then wrong = wrong + 1 end
        seed = (seed * 1103515245 + 12345) % 2147483648
        if seed // 65536 % 3 > 0 then clock:sleep(seed // 65536 % 12 / 4) end
      end)
      for _ = 1, 1000 do clock:advance(0.75) end
      assert.equal(0, wrong)
      assert.is_true(calls > 300 and calls < sum)
      co:cancel()
    end)
  end)

  describe("and f", function()
    it("7.1 runs in the Coroutine that every returned", function()
      local seen = {}
      local co = weir.every(1, function()
        seen[#seen + 1] = weir.current()
        weir.sleep(0.5)
        seen[#seen + 1] = weir.current()
      end)
      clock:advance(2)
      assert.equal(3, #seen)
      for _, current in ipairs(seen) do assert.is_true(rawequal(co, current)) end
      co:cancel()
    end)

    it("7.1 is anything that can be called", function()
      local co = clock:every(1, setmetatable({}, { __call = function(_, count) t(count) end }))
      clock:advance(2)
      assert.same({ 1, 1 }, t:list())
      co:cancel()
    end)

    it("7.1 is waited for if it is a weir.coroutine function", function()
      local co = start(1, weir.coroutine(function() clock:sleep(1.5) end))
      clock:advance(5)
      assert.same({ "1 x1", "3 x2", "5 x2" }, t:list())
      co:cancel()
    end)

    it("7.1 returns what it likes: nobody looks at it, unless it is one Deferred", function()
      local values = { table.pack(false), table.pack(nil, "x"), table.pack({}, 1), table.pack(weir.Deferred(), 1) }
      local co = start(1, function() return table.unpack(table.remove(values)) end)
      clock:advance(4)
      assert.same({ "1 x1", "2 x1", "3 x1", "4 x1" }, t:list())
      co:cancel()
    end)

    it("7.1 may start another every, and cancel it", function()
      local inner
      local co = start(2, function()
        if inner then inner:cancel() end
        inner = weir.every(0.75, function() t "inner" end)
      end)
      clock:advance(5)
      assert.same({ "2 x1", "inner", "inner", "4 x1", "inner" }, t:list())
      co:cancel()
      inner:cancel()
    end)
  end)

  describe("that fails", function()
    -- f fails at its second call, each in a way of its own.
    local ways = {
      { "raised", function(err) error(err) end },
      { "raised behind a wait", function(err) clock:sleep(0.5); error(err) end },
      { "awaited", function(err) weir.await(weir.fail(err)) end },
      { "in a Deferred that it returned", function(err) return weir.fail(err) end },
      { "in a Deferred that fails later", function(err)
        return clock:after(0.5):add_callback(function() error(err) end)
      end },
    }
    for _, way in ipairs(ways) do
      it("7.1 ends with the error of f, identity kept: " .. way[1], function()
        local mine = {}
        local co = start(1, function()
          if clock:now() == 2 then return way[2](mine) end
        end)
        clock:advance(4)
        assert.same({ "1 x1", "2 x1" }, t:list())
        assert_over(co, "failure")
        assert.is_true(rawequal(mine, error_of(co)))
      end)
    end

    it("8.1 tells who waits for it, else it is reported once", function()
      local reports, mine = h.unhandled(), {}
      local co = start(1, function() error(mine) end)
      local waiter = spawn(function() return select(2, pcall(weir.await, co)) end)
      clock:advance(1)
      weir.step()
      assert.is_true(rawequal(mine, waiter:result()))
      assert.same({}, reports)
      co = start(1, function() error(mine) end)
      clock:advance(1)
      weir.step()
      assert.equal(1, #reports)
      assert.is_true(rawequal(mine, reports[1].err) and rawequal(co, reports[1].d))
    end)
  end)

  describe("that is cancelled", function()
    it("5.2 before its first call: f is never called, the timer is gone", function()
      local co = start(10)
      clock:advance(9)
      assert.is_true(co:cancel("why"))
      assert.equal("why", error_of(co).reason)
      assert_over(co, "cancelled")
      assert.same({}, t:list())
    end)

    it("5.9 before its body has started: f is never called", function()
      local co
      weir.succeed():add_callback(function()
        co = start(1)
        t(co:cancel())
      end)
      assert_over(co, "cancelled")
      assert.same({ true }, t:list())
    end)

    it("5.2 in the wait of f: what f awaits is cancelled, f cleans up, waits in it too", function()
      local co = start(1, function()
        local _ <close> = setmetatable({}, { __close = function(_, err)
          t(err.reason)
          clock:sleep(1)
          t "closed"
        end })
        weir.await(weir.Deferred(function() t "canceller" end))
      end)
      clock:advance(1)
      assert.is_true(co:cancel("why"))
      assert.equal("waiting", co:status())
      clock:advance(1)
      assert.same({ "1 x1", "canceller", "why", "closed" }, t:list())
      assert_over(co, "cancelled")
    end)

    it("5.2 in the wait for a Deferred that f returned: that is cancelled", function()
      local co = start(1, function() return weir.Deferred(function() t "canceller" end) end)
      clock:advance(1)
      assert.is_true(co:cancel())
      assert.same({ "1 x1", "canceller" }, t:list())
      assert_over(co, "cancelled")
    end)

    it("5.6 calls f no more though f caught the cancel error and went on", function()
      local co = start(1, function()
        t(weir.is_cancelled(select(2, pcall(weir.await, weir.Deferred()))))
        clock:sleep(0.25)
        t "through"
      end)
      clock:advance(1)
      co:cancel()
      clock:advance(0.25)
      assert.same({ "1 x1", true, "through" }, t:list())
      assert_over(co, "cancelled")
    end)

    it("7.1 from inside f: f goes on to its end, no timer is left behind", function()
      local co
      co = start(10, function()
        t(co:cancel())
        t "through"
      end)
      clock:advance(10)
      assert.same({ "10 x1", true, "through" }, t:list())
      assert_over(co, "cancelled")
    end)

    it("7.1 by another timer of the instant of its call: f is not called", function()
      local co
      clock:after(1):add_callback(function() t(co:cancel()) end)
      co = start(1)
      clock:advance(1)
      assert.same({ true }, t:list())
      assert_over(co, "cancelled")
    end)

    -- Its time has come, its turn has not: there is nothing that f could lose.
    it("7.1 by a coroutine that was woken before it in that instant: f is not called", function()
      local co
      spawn(function()
        clock:sleep(1)
        t(co:cancel())
      end)
      co = start(1)
      clock:advance(1)
      assert.same({ true }, t:list())
      assert_over(co, "cancelled")
    end)

    it("5.2 lets go of f", function()
      local weak = setmetatable({}, { __mode = "k" })
      local function endless()
        local function f() t(weak) end
        weak[f] = true
        return weir.every(1000, f)
      end
      local co = endless()
      assert.is_false(h.released(weak))
      co:cancel()
      assert.is_true(h.released(weak))
    end)
  end)

  describe("that is paused", function()
    it("6.2 before its first call: the time that remained is kept", function()
      local co = start(10)
      advance(4)
      co:pause()
      assert.is_nil(weir.step())
      advance(103)
      co:unpause()
      assert.equal(6, weir.step())
      advance(6, 10)
      assert.same({ "113 x1", "123 x1" }, t:list())
      co:cancel()
    end)

    it("6.2 between calls: the grid is later by as long, nothing is missed", function()
      local co = start(10)
      advance(14)
      for _ = 1, 3 do
        co:pause()
        advance(101)
        co:unpause()
        advance(1)
      end
      advance(13)
      assert.same({ "10 x1", "323 x1", "333 x1" }, t:list())
      co:cancel()
    end)

    it("6.2 behind the one that waits for it, which is paused", function()
      local co = start(10)
      local outer = spawn(weir.await, co)
      advance(4)
      outer:pause()
      advance(103)
      outer:unpause()
      advance(6)
      assert.same({ "113 x1" }, t:list())
      outer:cancel()
      assert_over(co, "cancelled")
    end)

    it("6.2 in the wait of f: that freezes, and the grid is later by as long", function()
      local co = start(10, function()
        clock:sleep(5)
        t "slept"
      end)
      advance(12)
      co:pause()
      advance(103)
      co:unpause()
      advance(2.5)
      assert.same({ "10 x1" }, t:list())
      advance(0.5, 5)
      assert.same({ "10 x1", "slept", "123 x1" }, t:list())
      co:cancel()
    end)

    it("6.2 in the instant of its call, before its turn: called when it is free, nothing is missed", function()
      local co
      spawn(function()
        clock:sleep(10)
        co:pause()
      end)
      co = start(10)
      advance(10, 103)
      assert.same({}, t:list())
      co:unpause()
      assert.same({ "113 x1" }, t:list())
      advance(10)
      assert.same({ "113 x1", "123 x1" }, t:list())
      co:cancel()
    end)

    it("6.1 by f itself: it takes effect behind the call", function()
      local co
      co = start(10, function()
        co:pause()
        t "through"
      end)
      advance(10, 103)
      assert.same({ "10 x1", "through" }, t:list())
      assert.equal("paused", co:status())
      co:unpause()
      advance(10)
      assert.same({ "10 x1", "through", "123 x1", "through" }, t:list())
      co:cancel()
    end)

    it("5.9 and cancelled: f is not called, an unpause starts nothing", function()
      local co = start(10)
      co:pause()
      assert.is_true(co:cancel())
      co:unpause()
      assert.same({}, t:list())
      assert_over(co, "cancelled")
    end)
  end)

  describe("on a clock with a pace of its own", function()
    it("7.2 keeps to its time through changes of speed", function()
      local game = weir.Clock { speed = 2, parent = clock }
      local co = start(3, nil, game)
      advance(2.5) -- 5
      game:speed(0)
      assert.is_nil(weir.step())
      advance(50)
      game:speed(0.5)
      assert.equal(2, weir.step())
      advance(2, 4) -- 8
      game:speed(8)
      advance(0.125, 0.75) -- 9, 15
      assert.same({ "3 x1", "6 x1", "9 x1", "12 x1", "15 x1" }, t:list())
      co:cancel()
    end)

    it("7.2 misses nothing while that clock is paused", function()
      local game = weir.Clock { speed = 2, parent = clock }
      local co = start(3, nil, game)
      advance(2)
      game:pause()
      advance(50)
      game:unpause()
      advance(0.5)
      assert.same({ "3 x1" }, t:list())
      advance(0.5)
      assert.same({ "3 x1", "6 x1" }, t:list())
      co:cancel()
    end)

    it("7.2 skips by its own time while f sleeps on another", function()
      local game = weir.Clock { speed = 4, parent = clock }
      local co = start(1, sleeper(0.6), game)
      clock:advance(2)
      assert.same({ "1 x1", "4 x3", "7 x3" }, t:list())
      co:cancel()
    end)

    it("7.2 is not moved by another clock, nor by a new clock of the loop", function()
      local own = weir.Clock()
      local co = weir.every(1, function() t(clock:now()) end)
      local other = own:every(1, function() t("own " .. own:now()) end)
      weir.clock(own)
      own:advance(1)
      clock:advance(1)
      own:advance(1)
      clock:advance(1)
      assert.same({ "own 1.0", 1, "own 2.0", 2 }, t:list())
      co:cancel()
      other:cancel()
    end)
  end)

  describe("without an interval", function()
    it("7.2 calls f once an advance, at its beginning, and lets the other timers come", function()
      local co = start(0)
      for _, s in ipairs { 1, 2 } do
        clock:after(s):add_callback(function() t("after " .. s) end)
      end
      assert.equal(0, weir.step())
      advance(3, 0)
      assert.same({ "0 x1", "after 1", "after 2", "3 x1" }, t:list())
      co:cancel()
    end)

    it("7.1 waits for f, and calls it in the instant behind it, with a count of 1", function()
      local co = start(0, sleeper(1.5))
      advance(0, 4)
      assert.same({ "0 x1" }, t:list())
      advance(0, 1.5, 0)
      assert.same({ "0 x1", "4 x1", "5.5 x1" }, t:list())
      co:cancel()
    end)

    it("7.3 leaves a step on the real clock: one call in each", function()
      local n = 0
      local co = real:every(0, function() n = n + 1 end)
      for i = 1, 3 do
        weir.step()
        assert.equal(i, n)
      end
      co:cancel()
    end)
  end)

  it("7.1 nobody need hold it: its timer does", function()
    start(1)
    h.collect()
    clock:advance(1)
    h.collect()
    clock:advance(1)
    assert.same({ "1 x1", "2 x1" }, t:list())
  end)

  it("7.1 any number of calls take constant memory", function()
    local n = h.scale(1e5)
    local co = weir.every(1, h.ignore)
    clock:advance(10)
    h.collect()
    local before = collectgarbage("count")
    clock:advance(n)
    h.collect()
    assert.is_true(collectgarbage("count") - before < 16)
    co:cancel()
  end)

  it("8.4 without a function or a clock it is an argument error, nothing armed", function()
    for _, bad in ipairs { false, 1, "f", {}, weir.Deferred() } do
      assert.matches("bad argument #2 to 'every'", h.raised(weir.every, 1, bad), 1, true)
      assert.matches("bad argument #2 to 'every'", h.raised(clock.every, clock, 1, bad), 1, true)
      assert.is_false(pcall(clock.every, bad, 1, h.ignore))
    end
    assert.matches("bad argument #2 to 'every'", h.raised(clock.every, clock, 1), 1, true)
    assert.matches("bad argument #1 to 'every'", h.raised(clock.every, clock), 1, true)
    assert.is_nil(weir.step())
  end)
end)
