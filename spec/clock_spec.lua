-- Contract 7.1 and 7.2: times, timers, clocks.
local weir = require "weir"
local at_next_allocation = require "spec.regress.finalizer"
local h = require "spec.helper"

local await, spawn = weir.await, weir.spawn
local real = weir.clock()
local INF, NAN = math.huge, 0 / 0

local function error_of(d) return h.raised(d.result, d) end

-- f raises an argument error that names function and argument.
local function bad_argument(n, name, f)
  assert.matches("bad argument #" .. n .. " to '[%w_.:]*" .. name .. "'", tostring(h.raised(f)))
end

-- Times that are none.
local wrong = { -1, -1e-9, -INF, NAN, "soon", {}, true }

describe("clock", function()
  local clock, t

  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)

  after_each(h.restore)

  local function tracer(name)
    return function() t(name) end
  end

  describe("now", function()
    it("7.1 is the time of the loop's clock, in seconds", function()
      local start = weir.now()
      assert.equal("number", type(start))
      assert.equal(clock:now(), start)
      clock:advance(1.5)
      clock:advance(0.25)
      assert.equal(start + 1.75, weir.now())
      assert.equal(clock:now(), weir.now())
    end)

    it("7.1 of the loop's first clock never goes back", function()
      weir.clock(real)
      local last = weir.now()
      for _ = 1, 1000 do
        local now = weir.now()
        assert.is_true(now >= last)
        last = now
      end
    end)

    it("7.2 is the deadline while a timer of it runs, the end when advance is through", function()
      local start = clock:now()
      local seen = {}
      for _, s in ipairs { 0.5, 2, 3.25 } do
        weir.after(s):add_callback(function() seen[#seen + 1] = weir.now() - start end)
      end
      clock:advance(4)
      assert.same({ 0.5, 2, 3.25 }, seen)
      assert.equal(4, clock:now() - start)
    end)
  end)

  describe("sleep", function()
    it("7.1 awaits: the coroutine goes on behind the time, not before", function()
      local co = spawn(function() weir.sleep(2); t("woke") end)
      assert.equal("waiting", co:status())
      clock:advance(1.5)
      assert.same({}, t:list())
      clock:advance(0.5)
      assert.same({ "woke" }, t:list())
      assert.equal("success", co:status())
    end)

    it("7.1 outside a coroutine is an error, nothing armed", function()
      assert.is_false(pcall(weir.sleep, 1))
      assert.is_false(pcall(clock.sleep, clock, 1))
      assert.is_nil(weir.step())
    end)

    it("7.2 of zero waits for the next advance", function()
      local co = spawn(function() weir.sleep(0); t("woke") end)
      weir.step()
      assert.same({}, t:list())
      clock:advance(0)
      assert.same({ "woke" }, t:list())
      assert.equal("success", co:status())
    end)

    local function cleaning()
      local _ <close> = setmetatable({}, { __close = function() t "closed" end })
      weir.sleep(1)
    end

    -- Nothing is made for a sleep until somebody looks for what the coroutine waits on.
    describe("looked at", function()
      local function on(co)
        for task in weir.tasks() do
          if task.co == co then return task.on end
        end
      end

      local function sleeper(name, seconds, on_clock)
        return spawn(function()
          t(table.concat({ name, (on_clock or clock):sleep(seconds) }, " "))
        end)
      end

      it("2.11 before that it waits on its clock, then on a Deferred of its own", function()
        local co = sleeper("woke", 1)
        assert.equal(("waits on %s"):format(tostring(clock):gsub("^weir%.", "")), tostring(co):match "waits on .*0x%x+")
        local d = on(co)
        assert.equal(d, on(co))
        assert.equal("waits on " .. tostring(d):match "Deferred: 0x%x+", tostring(co):match "waits on .*0x%x+")
        clock:advance(1)
        assert.same({ "success", "success" }, { d:status(), co:status() })
        assert.same({ "woke" }, t:list())
      end)

      it("2.8 that is one like those of after: told, cancelled, fired by hand", function()
        local first, second, third = sleeper("first", 1), sleeper("second", 1), sleeper("third", 1)
        on(first):add_callback(function(...) t("told " .. select("#", ...)) end)
        assert.is_true(on(second):cancel())
        on(third):callback("by hand")
        weir.step()
        clock:advance(1)
        assert.same({ "third by hand", "told 0", "first" }, t:list())
        assert.same({ "success", "cancelled", "success" }, { first:status(), second:status(), third:status() })
      end)

      it("3.5 its place among equals stays", function()
        local list = {}
        for i = 1, 5 do list[i] = sleeper(i, 1) end
        on(list[4])
        on(list[2])
        clock:advance(1)
        assert.same({ "1", "2", "3", "4", "5" }, t:list())
      end)

      it("6.2 while it is paused: the rest of its time stays", function()
        local co = sleeper("woke", 3)
        clock:advance(1)
        co:pause()
        local d = on(co)
        clock:advance(5)
        co:unpause()
        clock:advance(1.5)
        assert.same({ "pending" }, { d:status(), t:list()[1] })
        clock:advance(0.5)
        assert.same({ "success", "woke" }, { d:status(), t:list()[1] })
      end)

      it("6.3 it is held with its coroutine from then on", function()
        local co = sleeper("woke", 3)
        local d = on(co)
        clock:advance(1)
        co:pause()
        clock:advance(5)
        assert.same({ "pending", "paused" }, { d:status(), co:status() })
        co:unpause()
        clock:advance(2)
        assert.same({ "woke" }, t:list())
      end)

      it("7.1 infinity never comes", function()
        local co = sleeper("woke", math.huge)
        local d = on(co)
        clock:advance(1e9)
        assert.equal("pending", d:status())
        assert.is_true(co:cancel())
        assert.equal("cancelled", co:status())
      end)

      it("7.2 in the advance in which it was armed for the present: it waits for the next one", function()
        local co
        weir.after(1):add_callback(function() co = sleeper("woke", 0) end)
        spawn(function()
          weir.sleep(1.5) -- by then the clock has set it aside
          t(on(co):status())
        end)
        clock:advance(2)
        assert.same({ "pending" }, t:list())
        clock:advance(0)
        assert.same({ "pending", "woke" }, t:list())
      end)

      it("7.2 on a clock of game time, stopped and faster", function()
        local game = weir.Clock { parent = clock, speed = 0 }
        local co = sleeper("woke", 4, game)
        local d = on(co)
        clock:advance(10)
        game:speed(2)
        clock:advance(1.5)
        assert.equal("pending", d:status())
        clock:advance(0.5)
        assert.same({ "woke" }, t:list())
      end)

      it("5.7 closed: its cleanup runs, nothing is left of it", function()
        local co = spawn(cleaning)
        local d = on(co)
        assert.is_true(co:close())
        assert.same({ "closed" }, t:list())
        assert.equal("cancelled", d:status())
        assert.is_nil(weir.step())
      end)
    end)

    it("5.7 closed: its cleanup runs, nothing is left of it", function()
      local co = spawn(cleaning)
      assert.is_true(co:close())
      assert.same({ "closed" }, t:list())
      assert.is_nil(weir.step())
    end)

    describe("on a clock that nobody else has", function()
      local clocks
      local function of_its_own()
        local own = weir.Clock()
        clocks = setmetatable({ [own] = true }, { __mode = "k" })
        return own
      end

      it("3.8 keeps it, even when others have closed the thread", function()
        local thread
        local co = spawn(function(own)
          thread = coroutine.running()
          own:sleep(1)
        end, of_its_own())
        coroutine.close(thread)
        h.collect()
        assert.is_not_nil(next(clocks))
        co:pause()
        assert.is_true(co:cancel())
        assert.is_true(h.released(clocks))
      end)

      it("3.8 as does the Deferred that somebody has looked at, when the coroutine is gone", function()
        local co = spawn(clock.sleep, of_its_own(), 1)
        local d
        for task in weir.tasks() do d = task.on end
        local other = spawn(weir.await, d)
        co:close()
        h.collect()
        assert.is_not_nil(next(clocks))
        d:pause():unpause()
        next(clocks):advance(1)
        assert.same({ "success", "success" }, { d:status(), other:status() })
      end)
    end)

    it("5.9 a cancel by a finalizer strikes at the sleep that was about to begin", function()
      local co, ok, err
      co = weir.coroutine(function(own)
        weir.yield()
        at_next_allocation(function() t(co:cancel("reason")) end)
        ok, err = pcall(own.sleep, own, 100)
      end)(weir.Clock())
      weir.step()
      collectgarbage("incremental")
      assert.same({ true }, t:list())
      assert.is_false(ok)
      assert.is_true(weir.is_cancelled(err))
      assert.equal("cancelled", co:status())
    end)

    it("6.1 pausing oneself: the sleep begins held, all of its time is left", function()
      local co
      co = weir.coroutine(function()
        weir.yield()
        co:pause()
        weir.sleep(2)
        t "woke"
      end)()
      weir.step()
      clock:advance(10)
      assert.equal("paused", co:status())
      co:unpause()
      clock:advance(1.5)
      assert.same({}, t:list())
      clock:advance(0.5)
      assert.same({ "woke" }, t:list())
    end)

    describe("again and again", function()
      local co, slept
      local function sleeper()
        for _ = 1, 2000 do
          weir.sleep(1)
          slept = slept + 1
        end
      end
      before_each(function()
        slept = 0
        co = spawn(sleeper)
      end)

      local function on()
        for task in weir.tasks() do
          if task.co == co then return task.on end
        end
      end

      it("7.1 leaves nothing to the collector", function()
        assert.equal(0, h.garbage(500, function() clock:advance(1) end))
        assert.equal(1001, slept)
      end)

      it("7.1 nor do several that do something else in between", function()
        local yields = 0
        for _ = 1, 10 do
          spawn(function()
            while true do
              weir.sleep(1)
              weir.yield()
              yields = yields + 1
            end
          end)
        end
        assert.equal(0, h.garbage(500, function()
          clock:advance(1)
          weir.step()
        end))
        assert.equal(10010, yields)
      end)

      it("2.8 what somebody has looked at stays that of its own sleep", function()
        clock:advance(1)
        local second = on()
        clock:advance(1)
        local third = on()
        assert.not_equal(second, third)
        assert.same({ "success", "pending" }, { second:status(), third:status() })
        assert.equal("AlreadyCalledError", h.raised(second.callback, second).name)
        third:callback("by hand")
        assert.equal(3, slept)
        clock:advance(1)
        assert.equal(4, slept)
        clock:advance(1)
        assert.same({ "success", "by hand" }, { third:status(), (third:result()) })
      end)

      it("7.1 several take turns", function()
        local log = h.trace()
        for i = 1, 3 do
          spawn(function()
            for k = 1, 3 do
              weir.sleep(i)
              log(("%d.%d"):format(i, k))
            end
          end)
        end
        clock:advance(9)
        assert.same({ "1.1", "2.1", "1.2", "3.1", "1.3", "2.2", "3.2", "2.3", "3.3" }, log:list())
      end)

      it("5.2 6.1 a later one is cancelled and paused as the first is", function()
        clock:advance(3.5)
        co:pause()
        clock:advance(10)
        co:unpause()
        clock:advance(0.25)
        assert.equal(3, slept)
        clock:advance(0.25)
        assert.equal(4, slept)
        assert.is_true(co:cancel())
        assert.equal("cancelled", co:status())
        assert.is_nil(weir.step())
        local other = spawn(sleeper)
        clock:advance(2)
        assert.equal(6, slept)
        other:cancel()
      end)

      it("3.8 a later one of who is lost is found by the collector", function()
        local alone, lost = weir.Clock(), setmetatable({}, { __mode = "k" })
        lost[spawn(function()
          alone:sleep(1)
          alone:sleep(1)
        end)] = true
        alone:advance(1)
        assert.is_not_nil(next(lost))
        alone = nil
        h.collect()
        weir.step()
        h.collect()
        assert.is_nil(next(lost))
      end)
    end)
  end)

  describe("after", function()
    it("7.1 is a Deferred that fires with its values behind the time, not before", function()
      local d = weir.after(2, "a", nil, 3, nil)
      assert.is_true(weir.is_deferred(d))
      clock:advance(1.5)
      assert.equal("pending", d:status())
      clock:advance(0.5)
      assert.same({ n = 4, "a", nil, 3, nil }, table.pack(d:result()))
      weir.after(0):add_callback(function(...) t(select("#", ...)) end)
      clock:advance(0)
      assert.same({ 0 }, t:list())
    end)

    it("7.1 cancelled it is disarmed", function()
      local d = weir.after(2):add_callback(tracer "fired"):add_errback(tracer "cancelled")
      assert.equal(2, weir.step())
      assert.is_true(d:cancel())
      assert.is_nil(weir.step())
      clock:advance(3)
      assert.same({ "cancelled" }, t:list())
    end)

    it("7.1 fired by hand it is disarmed", function()
      local d = weir.after(2, "time"):add_callback(function(v) t(v) end)
      d:callback("hand")
      assert.is_nil(weir.step())
      clock:advance(3)
      assert.same({ "hand" }, t:list())
    end)

    it("2.2 does not take a Deferred as a value", function()
      bad_argument(2, "after", function() weir.after(1, weir.Deferred()) end)
      bad_argument(3, "after", function() weir.after(1, "v", weir.succeed()) end)
      assert.is_nil(weir.step())
    end)

    -- With a collection at every allocation, `make gc-stress`, they do so while the clock grows.
    for phase = 0, 1 do
      it("7.2 finalizers may arm timers while others are armed, phase " .. phase, function()
        local own, armed, left = weir.Clock(), 0, 60
        local function arm()
          armed = armed + 1
          own:after(1 + armed % 7):add_callback(function() t(own:now()) end)
        end
        local function sentinel()
          setmetatable({}, { __gc = function()
            if left == 0 then return end
            left = left - 1
            for _ = 1, (left + phase) % 2 * 17 do arm() end
            sentinel()
          end })
        end
        sentinel()
        for _ = 1, 40 do arm() end
        left = 0
        own:advance(10)
        local expected = {}
        for i = 1, armed do expected[i] = 1 + i % 7 end
        table.sort(expected)
        assert.same(expected, t:list())
      end)
    end
  end)

  describe("every", function()
    it("7.1 is a Coroutine that calls f first behind s, then each s", function()
      local start = clock:now()
      local co = weir.every(2, function()
        t(weir.now() - start)
        assert(weir.current())
      end)
      assert.is_true(weir.is_deferred(co))
      assert.equal("waiting", co:status())
      assert.is_true(pcall(co.traceback, co)) -- a method that only Coroutines have
      clock:advance(1.5)
      assert.same({}, t:list())
      clock:advance(0.5)
      assert.same({ 2 }, t:list())
      clock:advance(5)
      assert.same({ 2, 4, 6 }, t:list())
      assert.is_true(co:cancel())
    end)

    it("7.1 f may await; the ticks missed meanwhile are skipped, the grid is kept", function()
      local start = clock:now()
      local co = weir.every(1, function()
        t(weir.now() - start)
        weir.sleep(2.5)
      end)
      clock:advance(11)
      assert.same({ 1, 4, 7, 10 }, t:list())
      assert.is_true(co:cancel())
    end)

    it("7.1 f that awaits less than s misses nothing", function()
      local start = clock:now()
      local co = weir.every(1, function()
        t(weir.now() - start)
        weir.sleep(0.75)
      end)
      clock:advance(3.5)
      assert.same({ 1, 2, 3 }, t:list())
      assert.is_true(co:cancel())
    end)

    it("7.1 a failure of f ends it", function()
      local mine, n = {}, 0
      local co = weir.every(1, function()
        n = n + 1
        if n == 2 then error(mine) end
      end)
      clock:advance(5)
      assert.equal(2, n)
      assert.equal("failure", co:status())
      assert.is_true(rawequal(mine, error_of(co)))
      assert.is_nil(weir.step())
    end)

    it("7.1 cancel ends it, between ticks, in a tick's wait and from inside", function()
      local between = weir.every(1, tracer "between")
      clock:advance(1)
      assert.is_true(between:cancel())
      local waiting = weir.every(1, function() t("waiting"); weir.sleep(10); t("not reached") end)
      clock:advance(1)
      assert.is_true(waiting:cancel())
      local inside
      inside = weir.every(1, function() t("inside"); inside:cancel() end)
      clock:advance(5)
      assert.same({ "between", "waiting", "inside" }, t:list())
      for _, co in ipairs { between, waiting, inside } do
        assert.equal("cancelled", co:status())
      end
      assert.is_nil(weir.step())
    end)
  end)

  describe("a time", function()
    it("7.1 that is negative, NaN or no number is an argument error, nothing armed", function()
      for _, s in ipairs(wrong) do
        spawn(function() bad_argument(1, "sleep", function() weir.sleep(s) end) end):result()
        bad_argument(1, "after", function() weir.after(s) end)
        bad_argument(1, "every", function() weir.every(s, print) end)
      end
      bad_argument(1, "after", function() weir.after() end)
      bad_argument(2, "every", function() weir.every(1) end)
      assert.is_nil(weir.step())
    end)

    it("7.1 that is negative, NaN or no number is one for each method of a clock", function()
      local d, start = weir.Deferred(), clock:now()
      for _, s in ipairs(wrong) do
        spawn(function() bad_argument(1, "sleep", function() clock:sleep(s) end) end):result()
        bad_argument(1, "after", function() clock:after(s) end)
        bad_argument(1, "every", function() clock:every(s, print) end)
        bad_argument(2, "timeout", function() clock:timeout(d, s) end)
        bad_argument(1, "advance", function() clock:advance(s) end)
      end
      assert.is_nil(weir.step())
      assert.equal(start, clock:now())
    end)

    it("7.1 of infinity never comes and is nothing to wait for", function()
      weir.after(INF):add_callback(tracer "after")
      local every = weir.every(INF, tracer "every")
      local co = spawn(function() weir.sleep(INF); t("sleep") end)
      assert.is_nil(weir.step())
      clock:advance(2 ^ 52)
      assert.same({}, t:list())
      assert.equal("waiting", co:status())
      assert.is_true(co:cancel())
      assert.is_true(every:cancel())
    end)
  end)

  describe("advance", function()
    it("7.2 steps from deadline to deadline, woken coroutines run in between", function()
      local start = clock:now()
      local function body(name, s)
        for _ = 1, 3 do
          weir.sleep(s)
          t(("%s%g"):format(name, weir.now() - start))
        end
      end
      local a, b = spawn(body, "a", 2), spawn(body, "b", 3)
      clock:advance(9)
      assert.same({ "a2", "b3", "a4", "b6", "a6", "b9" }, t:list())
      assert.equal("success", a:status())
      assert.equal("success", b:status())
    end)

    it("7.2 what a woken one wakes runs before the next deadline", function()
      local d = weir.Deferred()
      spawn(function() weir.sleep(1); t("first"); d:callback("woken") end)
      spawn(function() t(await(d)); weir.sleep(0.5); t("between") end)
      spawn(function() weir.sleep(2); t("last") end)
      clock:advance(2)
      assert.same({ "first", "woken", "between", "last" }, t:list())
    end)

    it("3.5 timers fire in (deadline, armed) order", function()
      for i, s in ipairs { 3, 1, 2, 1, 3, 2, 0, 1 } do
        weir.after(s):add_callback(tracer(s .. "#" .. i))
      end
      clock:advance(3)
      assert.same({ "0#7", "1#2", "1#4", "1#8", "2#3", "2#6", "3#1", "3#5" }, t:list())
    end)

    it("3.5 sleeps, afters and everys share that order", function()
      local a = spawn(function() weir.sleep(1); t("a") end)
      weir.after(1):add_callback(tracer "b")
      local c = weir.every(1, tracer "c")
      weir.after(1):add_callback(tracer "d")
      local e = spawn(function() weir.sleep(1); t("e") end)
      -- A callback runs inside the fire, a woken coroutine in its turn: each kind is looked at by itself.
      clock:advance(1)
      local callbacks, coroutines = {}, {}
      for _, x in ipairs(t:list()) do
        local list = (x == "b" or x == "d") and callbacks or coroutines
        list[#list + 1] = x
      end
      assert.same({ "b", "d" }, callbacks)
      assert.same({ "a", "c", "e" }, coroutines)
      assert.is_true(c:cancel())
      assert.equal("success", a:status())
      assert.equal("success", e:status())
    end)

    it("3.5 many timers with many equal deadlines keep that order, cancelled ones left out", function()
      local n, x = h.scale(1e5), 1
      local armed, fired, deadline, cancelled = {}, {}, {}, {}
      for i = 1, n do
        x = (x * 1103515245 + 12345) % 2147483648
        deadline[i] = x // 65536 % 64 / 4
        armed[i] = weir.after(deadline[i]):add_callback(function() fired[#fired + 1] = i end)
      end
      for i = 3, n, 3 do
        cancelled[i] = armed[i]:cancel()
      end
      clock:advance(16)
      assert.equal(n - n // 3, #fired)
      for k = 2, #fired do
        local a, b = fired[k - 1], fired[k]
        if deadline[a] > deadline[b] or deadline[a] == deadline[b] and a >= b or cancelled[b] then
          error(("timer %d fired behind %d"):format(b, a))
        end
      end
    end)

    it("7.2 a timer armed for the present instant waits for the next advance", function()
      local n = 0
      local function again()
        n = n + 1
        weir.after(0):add_callback(again)
      end
      weir.after(0):add_callback(again)
      assert.equal(0, n)
      clock:advance(0)
      assert.equal(1, n)
      clock:advance(0)
      assert.equal(2, n)
      clock:advance(1)
      assert.equal(3, n)
    end)

    it("7.2 one armed for the present in the midst of an advance waits for the next advance too", function()
      spawn(function()
        weir.sleep(1)
        t("one")
        weir.sleep(0)
        t("two")
        weir.sleep(0)
        t("three")
      end)
      clock:advance(5)
      assert.same({ "one" }, t:list())
      clock:advance(0)
      assert.same({ "one", "two" }, t:list())
      clock:advance(0)
      assert.same({ "one", "two", "three" }, t:list())
    end)

    it("7.2 those that wait for the next advance stay, whatever is armed and cancelled meanwhile", function()
      local n, waiting, fired = 200, {}, {}
      weir.after(1):add_callback(function()
        for i = 1, n do
          waiting[i] = weir.after(0)
          waiting[i]:add_callback(function() fired[#fired + 1] = i end)
        end
      end)
      weir.after(2):add_callback(function()
        for i = 1, 5 * n do
          weir.after(10 + i % 7):add_callback(function() fired[#fired + 1] = "later" end)
        end
        for i = 3, n, 3 do
          waiting[i]:cancel()
        end
      end)
      clock:advance(5)
      assert.same({}, fired)
      clock:advance(0)
      local left = {}
      for i = 1, n do
        if i % 3 ~= 0 then
          left[#left + 1] = i
        end
      end
      assert.same(left, fired)
      clock:advance(20)
      assert.equal(#left + 5 * n, #fired)
      assert.equal(0, weir.stats().timers)
    end)

    it("7.2 one cancelled by another of the same instant does not fire", function()
      local b, c
      weir.after(1):add_callback(function() t("a"); b:cancel(); c:cancel() end)
      b = weir.after(1):add_callback(tracer "b"):add_errback(tracer "b cancelled")
      c = spawn(function() weir.sleep(1); t("c") end)
      weir.after(1):add_callback(tracer "d")
      clock:advance(1)
      assert.same({ "a", "b cancelled", "d" }, t:list())
      assert.equal("cancelled", c:status())
    end)

    it("7.2 an error in a callback does not keep the others from firing", function()
      local mine = {}
      local d = weir.after(1):add_callback(function() t("raises"); error(mine) end)
      weir.after(1):add_callback(tracer "same")
      weir.after(2):add_callback(tracer "later")
      clock:advance(2)
      assert.same({ "raises", "same", "later" }, t:list())
      assert.is_true(rawequal(mine, error_of(d)))
    end)
  end)

  describe("each clock", function()
    it("7.2 has now, sleep, after, every and timeout of its own", function()
      local own = weir.Clock()
      local start = own:now()
      local co = spawn(function() own:sleep(1); t(("sleep %g"):format(own:now() - start)) end)
      own:after(2, "after"):add_callback(function(v) t(v) end)
      local every = own:every(1.5, tracer "every")
      local d = weir.Deferred()
      own:timeout(d, 2.5)
      clock:advance(100)
      assert.same({}, t:list())
      assert.equal(start, own:now())
      own:advance(2.5)
      assert.same({ "sleep 1", "every", "after" }, t:list())
      assert.equal("TimeoutError", error_of(d).name)
      assert.equal(2.5, own:now() - start)
      assert.equal("success", co:status())
      assert.is_true(every:cancel())
    end)

    it("7.2 weir.clock gets and sets the loop's own, which sleep, after, every, timeout and now use", function()
      local own = weir.Clock()
      own:advance(1000)
      assert.is_true(rawequal(clock, weir.clock()))
      assert.is_true(rawequal(clock, weir.clock(own)))
      assert.is_true(rawequal(own, weir.clock()))
      assert.equal(own:now(), weir.now())
      local co = spawn(function() weir.sleep(1); t("sleep") end)
      weir.after(2):add_callback(tracer "after")
      local every = weir.every(1.5, tracer "every")
      local d = weir.Deferred():timeout(2.5)
      clock:advance(100)
      assert.same({}, t:list())
      own:advance(2.5)
      assert.same({ "sleep", "every", "after" }, t:list())
      assert.equal("TimeoutError", error_of(d).name)
      assert.equal("success", co:status())
      every:cancel()
      assert.is_true(rawequal(own, weir.clock(clock)))
    end)

    it("7.2 a timer stays on the clock on which it was armed", function()
      local own = weir.Clock()
      weir.after(1):add_callback(tracer "old clock")
      weir.clock(own)
      own:advance(5)
      assert.same({}, t:list())
      clock:advance(1)
      assert.same({ "old clock" }, t:list())
    end)

    it("7.2 what is no clock cannot be the loop's", function()
      for _, bad in ipairs { 1, "clock", {}, weir.Deferred() } do
        bad_argument(1, "clock", function() weir.clock(bad) end)
      end
      assert.is_true(rawequal(clock, weir.clock()))
      assert.is_false(pcall(clock.advance, {}, 1))
      assert.is_false(pcall(clock.now, weir.Deferred()))
    end)
  end)

  describe("game time", function()
    it("7.2 runs at its speed", function()
      local fast = weir.Clock { speed = 2, parent = clock }
      local slow = weir.Clock { speed = 0.5, parent = clock }
      local f, s = fast:now(), slow:now()
      fast:after(10):add_callback(tracer "fast")
      slow:after(10):add_callback(tracer "slow")
      clock:advance(4.5)
      assert.same({}, t:list())
      clock:advance(0.5)
      assert.same({ "fast" }, t:list())
      clock:advance(14.5)
      assert.same({ "fast" }, t:list())
      clock:advance(0.5)
      assert.same({ "fast", "slow" }, t:list())
      assert.equal(40, fast:now() - f)
      assert.equal(10, slow:now() - s)
    end)

    it("7.2 runs at speed 1 unless told otherwise", function()
      local game = weir.Clock { parent = clock }
      assert.equal(1, game:speed())
      game:after(1):add_callback(tracer "fired")
      clock:advance(1)
      assert.same({ "fired" }, t:list())
    end)

    it("7.2 has sleep, every and timeout too", function()
      local game = weir.Clock { speed = 2, parent = clock }
      local co = spawn(function() game:sleep(2); t("sleep") end)
      local every = game:every(3, tracer "every")
      local d = weir.Deferred()
      game:timeout(d, 4)
      clock:advance(1)
      assert.same({ "sleep" }, t:list())
      clock:advance(0.5)
      assert.same({ "sleep", "every" }, t:list())
      assert.equal("pending", d:status())
      clock:advance(0.5)
      assert.equal("TimeoutError", error_of(d).name)
      assert.equal("success", co:status())
      assert.is_true(every:cancel())
    end)

    it("7.2 is advanced from deadline to deadline with its parent's timers in between", function()
      local game = weir.Clock { speed = 2, parent = clock }
      local start, gstart = clock:now(), game:now()
      for _, s in ipairs { 1, 2, 3 } do
        clock:after(s):add_callback(function() t(("clock %d game %g"):format(s, game:now() - gstart)) end)
        game:after(2 * s - 1):add_callback(function()
          t(("game %d clock %g"):format(2 * s - 1, clock:now() - start))
        end)
      end
      clock:advance(3)
      assert.same({
        "game 1 clock 0.5", "clock 1 game 2",
        "game 3 clock 1.5", "clock 2 game 4",
        "game 5 clock 2.5", "clock 3 game 6",
      }, t:list())
    end)

    it("7.2 speed is read and set; what remains is kept", function()
      local game = weir.Clock { speed = 1, parent = clock }
      local start = game:now()
      game:after(10):add_callback(tracer "fired")
      clock:advance(4)
      game:speed(2)
      assert.equal(2, game:speed())
      assert.equal(4, game:now() - start)
      clock:advance(2.5)
      assert.same({}, t:list())
      clock:advance(0.5)
      assert.same({ "fired" }, t:list())
      assert.equal(10, game:now() - start)
    end)

    it("7.2 at speed 0 it stands still and is nothing to step", function()
      local game = weir.Clock { speed = 0, parent = clock }
      local start = game:now()
      game:after(1):add_callback(tracer "fired")
      clock:advance(100)
      assert.is_nil(weir.step())
      assert.equal(start, game:now())
      game:speed(4)
      assert.equal(0.25, weir.step())
      clock:advance(0.25)
      assert.same({ "fired" }, t:list())
      game:speed(0)
      clock:advance(100)
      assert.equal(1, game:now() - start)
    end)

    it("7.2 a speed that is negative, NaN or no number is an argument error, the old one stays", function()
      local game = weir.Clock { speed = 2, parent = clock }
      for _, bad in ipairs(wrong) do
        bad_argument(1, "speed", function() game:speed(bad) end)
        assert.is_false(pcall(weir.Clock, { speed = bad, parent = clock }))
      end
      assert.is_false(pcall(weir.Clock, { speed = 1, parent = 42 }))
      assert.equal(2, game:speed())
    end)

    it("7.2 pause is counted and stops its timers and its now", function()
      local game = weir.Clock { speed = 2, parent = clock }
      local start = game:now()
      game:after(4):add_callback(tracer "fired")
      clock:advance(1)
      game:pause()
      game:pause()
      clock:advance(10)
      game:unpause()
      clock:advance(10)
      assert.is_nil(weir.step())
      assert.equal(2, game:now() - start)
      assert.same({}, t:list())
      game:unpause()
      assert.equal(1, weir.step())
      clock:advance(0.5)
      assert.same({}, t:list())
      clock:advance(0.5)
      assert.same({ "fired" }, t:list())
    end)

    it("7.2 an unpause beyond the count raises", function()
      local game = weir.Clock { speed = 2, parent = clock }
      assert.is_false(pcall(game.unpause, game))
      game:pause()
      game:unpause()
      assert.is_false(pcall(game.unpause, game))
      game:after(2):add_callback(tracer "fired")
      clock:advance(1)
      assert.same({ "fired" }, t:list())
    end)

    it("7.2 pause and speed do not reach the parent or a sibling", function()
      local game = weir.Clock { speed = 1, parent = clock }
      local ui = weir.Clock { speed = 1, parent = clock }
      game:after(1):add_callback(tracer "game")
      ui:after(1):add_callback(tracer "ui")
      weir.after(1):add_callback(tracer "clock")
      game:pause()
      clock:advance(2)
      assert.equal(2, #t:list())
      assert.not_equal("game", t:list()[1])
      assert.not_equal("game", t:list()[2])
      game:unpause()
      clock:advance(1)
      assert.equal("game", t:list()[3])
    end)

    it("7.2 nests: speeds multiply", function()
      local mid = weir.Clock { speed = 2, parent = clock }
      local leaf = weir.Clock { speed = 4, parent = mid }
      local start = leaf:now()
      leaf:after(16):add_callback(tracer "leaf")
      mid:after(3):add_callback(tracer "mid")
      clock:after(1.75):add_callback(tracer "clock")
      clock:advance(2)
      assert.same({ "mid", "clock", "leaf" }, t:list())
      assert.equal(16, leaf:now() - start)
    end)

    it("7.2 nests: pause and speed of the middle one reach the inner one", function()
      local mid = weir.Clock { speed = 1, parent = clock }
      local leaf = weir.Clock { speed = 2, parent = mid }
      leaf:after(8):add_callback(tracer "leaf")
      clock:advance(1)
      mid:pause()
      clock:advance(10)
      mid:unpause()
      mid:speed(0)
      clock:advance(10)
      mid:speed(2)
      assert.equal(1.5, weir.step())
      clock:advance(1.25)
      assert.same({}, t:list())
      clock:advance(0.25)
      assert.same({ "leaf" }, t:list())
    end)

    it("7.2 a timer of a stopped clock can be cancelled and paused", function()
      local game = weir.Clock { speed = 1, parent = clock }
      local a = game:after(1):add_errback(tracer "a cancelled")
      local b = game:after(2):add_callback(tracer "b")
      clock:advance(0.5)
      game:pause()
      assert.is_true(a:cancel())
      b:pause()
      game:unpause()
      clock:advance(10)
      assert.same({ "a cancelled" }, t:list())
      b:unpause()
      clock:advance(1.25)
      assert.same({ "a cancelled" }, t:list())
      clock:advance(0.25)
      assert.same({ "a cancelled", "b" }, t:list())
    end)

    it("7.2 can be the loop's own clock", function()
      local game = weir.Clock { speed = 2, parent = clock }
      weir.clock(game)
      local co = spawn(function() weir.sleep(2); t("woke") end)
      clock:advance(1)
      assert.same({ "woke" }, t:list())
      assert.equal("success", co:status())
    end)

    it("7.2 a clock that nobody holds still wakes the coroutine that sleeps on it", function()
      local co = spawn(function()
        weir.Clock { speed = 2, parent = clock }:sleep(2)
        t("woke")
      end)
      h.collect()
      clock:advance(1)
      assert.same({ "woke" }, t:list())
      assert.equal("success", co:status())
    end)
  end)
end)

describe("clock: what a coroutine and a loop have to do with it", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  it("5.8 a cancel that is due strikes where advance lets others run", function()
    local t, clock = h.trace(), weir.Clock()
    for i = 1, 3 do
      clock:after(i):add_callback(function() t(i) end)
    end
    spawn(function()
      weir.current():cancel()
      t(weir.is_cancelled(select(2, pcall(clock.advance, clock, 3))))
    end)
    weir.step()
    assert.same({ 1, true }, t:list())
  end)

  it("5.6 a grace time keeps no loop going, nor does it on a clock that follows another", function()
    local never = weir.Deferred()
    weir.clock(weir.Clock { parent = real, speed = 0.5 })
    local nothing = weir.step()
    local co = spawn(function()
      local _ <close> = setmetatable({}, { __close = function() await(never) end })
      await(weir.Deferred())
    end)
    co:cancel("enough", 1000)
    assert.equal(nothing, weir.step())
    co:close()
  end)
end)
