-- What all, settle, race, any and map have in common (contract 9): their parts are waits like any other.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local MANY = h.scale(2e4)

local function map_identity(t)
  local d = weir.map(t, function(v) return v end)
  return d -- no tail call: an argument error names the line above
end

local COMBINATORS = {
  { "all", weir.all }, { "settle", weir.settle }, { "race", weir.race }, { "any", weir.any }, { "map", map_identity },
}

for _, combinator in ipairs(COMBINATORS) do
  local name, combine = table.unpack(combinator)

  describe(name, function()
    local clock, t, reports
    before_each(function()
      clock, t, reports = h.manual(), h.trace(), h.unhandled()
    end)
    after_each(h.restore)

    local function traced(part, answer) return parts.traced(t, part, answer) end
    local function hooked(part) return parts.hooked(t, part) end
    local function busy(part, cleanup) return parts.busy(t, part, cleanup) end
    local function watch(d) return parts.watch(t, "it", d) end

    local function assert_cancelled(d, reason)
      assert.are.equal("cancelled", d:status())
      assert.are.equal(reason, parts.failure(d).reason)
    end

    describe("arguments", function()
      local function assert_refused(...)
        local args = table.pack(...)
        local err = h.raised(function()
          combine(table.unpack(args, 1, args.n))
          return nil
        end)
        assert.matches("^[./]*spec/[%w_]+%.lua:%d+: bad argument #1 to '" .. name .. "' %(.+%)$", err)
      end

      it("8.4 what is no table is refused, a Deferred among it", function()
        assert_refused()
        assert_refused(nil)
        for _, wrong in ipairs { 1, "x", true, h.ignore, weir.Deferred(), io.stdout } do assert_refused(wrong) end
      end)

      it("9 a key that is neither number nor string is refused, and its part left alone", function()
        for _, key in ipairs { true, {}, h.ignore, weir.Deferred() } do
          local d, e = traced "d", traced "e"
          assert_refused { d, [key] = e }
          local co = weir.spawn(weir.await, d)
          co:cancel() -- the only one that waits takes it along
          assert.are.same({ "cancelled", "pending" }, { d:status(), e:status() })
        end
      end)

      it("9 the table is read once and not changed", function()
        local a, b, later = traced "a", traced "b", traced "later"
        local t1 = { a, x = b }
        local d = combine(t1)
        assert.are.same({ true, true, nil }, { rawequal(t1[1], a), rawequal(t1.x, b), t1[2] })
        t1[1], t1[2], t1.x, t1.y = nil, later, nil, later
        assert.is_true(d:cancel())
        assert.are.same({ "a", "b" }, t:list())
        assert.are.same({ x = nil, [2] = later, y = later }, t1)
      end)
    end)

    describe("a part", function()
      it("9 fired but held is waited for", function()
        for _, order in ipairs { "before", "behind" } do
          local part = weir.Deferred()
          if order == "before" then part:pause() end
          part:callback("v")
          if order == "behind" then part:pause() end
          local d = watch(combine { part })
          assert.are.equal("pending", d:status())
          part:unpause()
          assert.are.equal("success", d:status())
        end
        assert.are.same({ "it done", "it done" }, t:list())
      end)

      it("9 fired but waiting on a returned Deferred is waited for", function()
        local inner, part = weir.Deferred(), weir.Deferred()
        part:add_callback(function() return inner end)
        part:callback()
        local d = watch(combine { part })
        assert.are.equal("pending", d:status())
        inner:callback("v")
        assert.are.same({ "it done" }, t:list())
      end)

      it("2.5 is told of behind its callbacks, with what they made of it; later ones come too late", function()
        local part = weir.Deferred()
        local d = watch(combine { part })
        part:add_callback(function() t "callback"; return "made" end)
        part:callback("raw")
        part:add_callback(function() t "late"; error("late", 0) end):add_errback(h.ignore)
        assert.are.same({ "callback", "it done", "late" }, t:list())
        assert.are.equal("success", d:status())
      end)

      it("2.5 is not changed by being waited for", function()
        local part = weir.Deferred()
        combine { part }
        part:callback("v", nil, 3)
        assert.are.same({ "v", nil, 3, n = 3 }, table.pack(part:result()))
      end)

      it("3.5 may come from deep inside callbacks, all is told before the host's call returns", function()
        local line = parts.list(100, function() return weir.Deferred() end)
        for i = 1, 99 do line[i]:add_callback(function() line[i + 1]:callback("v") end) end
        watch(combine { line[100] })
        line[1]:callback()
        assert.are.same({ "it done" }, t:list())
      end)

      it("2.10 that comes to wait on the whole is a circle: it fails, and the whole ends", function()
        local part = weir.Deferred()
        local d = combine { part }
        part:add_callback(function() return d end)
        part:callback()
        assert.are.equal("DeadlockError", parts.failure(part).name)
        assert.are_not.equal("pending", d:status())
        pcall(d.result, d)
      end)

      it("2.10 that is a Coroutine whose body returns the whole is a circle as well", function()
        local gate, d = weir.Deferred(), nil
        local part = weir.spawn(function()
          weir.await(gate)
          return d
        end)
        d = combine { part }
        gate:callback()
        assert.are.equal("DeadlockError", parts.failure(part).name)
        assert.are_not.equal("pending", d:status())
        pcall(d.result, d)
      end)

      it("9 may fire after the whole was fired by hand, without an error", function()
        local part, other = weir.Deferred(), weir.Deferred()
        local d = combine { part, other }
        pcall(d.callback, d, "by hand")
        part:callback("v")
        other:errback("e")
        assert.are_not.equal("pending", d:status())
        pcall(d.result, d)
      end)
    end)

    describe("is a Deferred", function()
      it("9 that is pending, has callbacks and is no Coroutine's body", function()
        local d = combine { weir.Deferred() }
        assert.is_true(weir.is_deferred(d))
        assert.are.equal("pending", d:status())
        assert.matches("pending", tostring(d), 1, true)
        assert.are.equal(d, d:add_callback(h.ignore))
      end)

      it("2.5 whose waiters are told in the order they came, behind its callbacks", function()
        local part = weir.Deferred()
        local d = combine { part }
        for i = 1, 3 do weir.spawn(function() weir.await(d); t("waiter " .. i) end) end
        watch(d)
        part:callback("v")
        assert.are.same({ "it done", "waiter 1", "waiter 2", "waiter 3" }, t:list())
      end)

      it("2.3 that a callback may return; cancel reaches the parts through it", function()
        local part = traced "part"
        local outer = weir.succeed():add_callback(function() return combine { part } end)
        assert.are.equal("pending", outer:status())
        assert.is_true(outer:cancel("why"))
        assert.are.same({ "part" }, t:list())
        assert_cancelled(outer, "why")
      end)

      it("4.2 that a noreturn may go to; cancel reaches the parts through it", function()
        local part = traced "part"
        local co = weir.spawn(function() weir.noreturn(combine { part }) end)
        assert.are.equal("waiting", co:status())
        assert.is_true(co:cancel("why"))
        assert.are.same({ "part" }, t:list())
        assert_cancelled(co, "why")
      end)

      it("2.6 that may be chained; cancel of the other reaches the parts", function()
        local part, other = traced "part", weir.Deferred()
        combine { part }:chain(other)
        assert.is_true(other:cancel("why"))
        assert.are.same({ "part" }, t:list())
        assert_cancelled(other, "why")
      end)
    end)

    describe("cancelled", function()
      it("9 cancels its parts in the order of keys, all with its own error object", function()
        local all = parts.mixed(traced)
        local d = combine(all)
        assert.is_true(d:cancel("why"))
        assert.are.same(parts.KEYS, t:list())
        assert_cancelled(d, "why")
        for _, part in pairs(all) do assert.is_true(rawequal(parts.failure(d), parts.failure(part))) end
      end)

      it("2.9 returns true once, then false; finished: false", function()
        local d, done = combine { weir.Deferred() }, combine { weir.succeed("v") }
        assert.are.same({ true, false, false }, { d:cancel(), d:cancel(), done:cancel() })
        assert.are.equal("success", done:status())
      end)

      it("9 runs its callbacks when the last cleanup has ended", function()
        local one, two = weir.Deferred(), weir.Deferred()
        local d = watch(combine { busy("a", one), busy("b", two), traced "c" })
        assert.is_true(d:cancel("why"))
        assert.are.same({ "c", "a asked: why", "b asked: why" }, t:list())
        two:callback()
        assert.are.equal("pending", d:status())
        assert.is_false(d:cancel("again"))
        one:callback()
        assert.are.same({ "c", "a asked: why", "b asked: why", "b cleaned", "a cleaned", "it failed: why" }, t:list())
        assert_cancelled(d, "why")
      end)

      it("5.2 gives one error object to coroutines below and above", function()
        local seen = {}
        local function see(d)
          local err = select(2, pcall(weir.await, d))
          seen[#seen + 1] = err
          error(err, 0)
        end
        local low, bottom = weir.spawn(see, weir.Deferred()), weir.Deferred()
        local top = weir.spawn(see, combine { low, bottom })
        assert.is_true(top:cancel("why"))
        assert.are.equal(2, #seen)
        for _, d in ipairs { low, bottom, top } do assert.is_true(rawequal(parts.failure(top), parts.failure(d))) end
        assert.is_true(rawequal(seen[1], seen[2]))
      end)

      it("5.2 by way of a coroutine that awaits it: that one sees it when all have ended", function()
        local cleanup = weir.Deferred()
        local co = parts.awaiter(t, "co", combine { busy("a", cleanup), traced "b" })
        assert.is_true(co:cancel("why"))
        assert.are.same({ "b", "a asked: why" }, t:list())
        cleanup:callback()
        assert.are.same({ "b", "a asked: why", "a cleaned", "co saw why" }, t:list())
      end)

      it("5.3 leaves alone what others wait for too, and does not wait for it", function()
        local shared = traced "shared"
        local other = weir.spawn(weir.await, shared)
        local d = combine { traced "a", shared, traced "b" }
        assert.is_true(d:cancel("why"))
        assert.are.same({ "a", "b" }, t:list())
        assert_cancelled(d, "why")
        shared:callback("v")
        assert.are.equal("v", other:result())
      end)

      it("5.3 ends at once when all its parts are shared", function()
        local one, two = traced "one", busy "two"
        local waiters = { weir.spawn(weir.await, one), weir.spawn(weir.await, two) }
        local d = watch(combine { one, two })
        assert.is_true(d:cancel("why"))
        assert.are.same({ "it failed: why" }, t:list())
        assert.are.same({ "waiting", "waiting" }, { waiters[1]:status(), waiters[2]:status() })
      end)

      it("5.3 callbacks of a part do not count as others", function()
        local part = traced "part":add_callback(h.ignore)
        combine { part }:cancel()
        assert.are.same({ "part" }, t:list())
      end)

      it("5.3 of two over the same part the last takes it along", function()
        local part = traced "part"
        local one, two = combine { part }, combine { part }
        assert.is_true(one:cancel("1"))
        assert.are.same({}, t:list())
        assert.is_true(two:cancel("2"))
        assert.are.same({ "part" }, t:list())
        assert_cancelled(one, "1")
        assert_cancelled(two, "2")
      end)

      it("5.3 one of two coroutines that await it leaves it alone, the last takes it along", function()
        local d = combine { traced "part" }
        local one, two = weir.spawn(weir.await, d), weir.spawn(weir.await, d)
        one:cancel("1")
        assert.are.same({ "cancelled", "pending" }, { one:status(), d:status() })
        two:cancel("2")
        assert.are.same({ "part" }, t:list())
        assert_cancelled(d, "2")
      end)

      it("5.3 a part that stands under two keys is not shared, and is cancelled once", function()
        local part = traced "part"
        local d = combine { part, part, x = part }
        assert.is_true(d:cancel("why"))
        assert.are.same({ "part" }, t:list())
        assert_cancelled(d, "why")
      end)

      it("5.3 a part that stands under two keys and is shared is left alone", function()
        local part = traced "part"
        local other = weir.spawn(weir.await, part)
        combine { part, part }:cancel()
        assert.are.same({}, t:list())
        part:callback("v")
        assert.are.equal("v", other:result())
      end)

      it("5.3 a part that stands in two of its levels goes with the last", function()
        local cleanup = weir.Deferred()
        local part = busy("part", cleanup)
        local d = combine { part, combine { part } }
        assert.is_true(d:cancel("why"))
        assert.are.same({ "part asked: why" }, t:list())
        assert.are.equal("pending", d:status())
        cleanup:callback()
        assert_cancelled(d, "why")
      end)

      it("5.3 goes no further than a shield", function()
        local part = traced "part"
        local d = combine { weir.shield(part) }
        assert.is_true(d:cancel("why"))
        assert.are.same({}, t:list())
        assert.are.same({ "cancelled", "pending" }, { d:status(), part:status() })
      end)

      it("5.1 reaches what a part waits on", function()
        local inner = traced "inner"
        local part = weir.succeed():add_callback(function() return inner end)
        local d = combine { part }
        assert.is_true(d:cancel("why"))
        assert.are.same({ "inner" }, t:list())
        assert_cancelled(d, "why")
      end)

      it("9 does not take the failures that its parts answer with: they are reported, once each", function()
        local d = combine { traced("a", parts.raise "1"), traced("b", parts.fail_with "2"), traced "c" }
        assert.is_true(d:cancel("why"))
        assert.are.same({ "a", "b", "c" }, t:list())
        assert_cancelled(d, "why")
        assert.are.same({ "2", "1" }, parts.reported(reports))
        assert.are.same({ "2", "1" }, parts.reported(reports))
      end)

      it("9 does not take the failure of a part's cleanup: it is reported", function()
        local part = weir.spawn(function()
          pcall(weir.await, weir.Deferred())
          error("cleanup", 0)
        end)
        local d = combine { part, traced "b" }
        assert.is_true(d:cancel("why"))
        assert_cancelled(d, "why")
        assert.are.same({ "cleanup" }, parts.reported(reports))
        assert.are.equal(part, reports[1].d)
      end)

      it("5.10 is reported neither for itself nor for its parts", function()
        combine { weir.Deferred(), busy "a" }:cancel()
        assert.are.same({}, parts.reported(reports))
        h.collect()
        assert.are.same({}, parts.reported(reports))
      end)

      it("5.1 by a canceller of its own parts again: false, nobody is asked twice", function()
        local d
        local function again() t(tostring(d:cancel("again"))) end
        d = combine { traced("a", again), traced("b", again) }
        assert.is_true(d:cancel("why"))
        assert.are.same({ "a", "false", "b", "false" }, t:list())
        assert_cancelled(d, "why")
      end)

      it("5.1 with a canceller that cancels another part: each is asked once", function()
        local list = {}
        for i = 1, 3 do list[i] = traced(i, function() list[i % 3 + 1]:cancel("other") end) end
        local d = combine(list)
        assert.is_true(d:cancel("why"))
        table.sort(t:list()) -- who is asked first is the cancellers' doing
        assert.are.same({ 1, 2, 3 }, t:list())
        assert_cancelled(d, "why")
      end)

      it("5.1 with a canceller that adds to it: what is added is told once, at the end", function()
        local d
        local function add()
          watch(d)
          parts.awaiter(t, "co", d)
        end
        d = combine { traced("a", add), traced "b" }
        assert.is_true(d:cancel("why"))
        assert.are.same({ "a", "b", "it failed: why", "co saw why" }, t:list())
      end)

      it("5.1 in a callback of its only part: it ends all the same", function()
        local part, d = weir.Deferred(), nil
        part:add_callback(function() d:cancel("why") end)
        d = combine { part }
        part:callback()
        assert.are.equal("success", part:status())
        assert.are_not.equal("pending", d:status())
      end)

      it("5.9 overrides a pause: the parts are freed, asked, and the callbacks told", function()
        local d = watch(combine { hooked "a", hooked "b" })
        d:pause()
        assert.is_true(d:cancel("why"))
        table.sort(t:list())
        assert.are.same({ "cancel a", "cancel b", "it failed: why", "pause a", "pause b", "unpause a", "unpause b" },
          t:list())
        assert_cancelled(d, "why")
        d:unpause()
      end)

      it("5.6 closes by force what has not ended within the grace time", function()
        local d = watch(combine { weir.spawn(parts.stubborn, t, "a"), busy "b", weir.spawn(parts.stubborn, t, "c") })
        assert.is_true(d:cancel("why", 2))
        clock:advance(1.5)
        assert.are.same({ "b asked: why", "b cleaned" }, t:list())
        clock:advance(0.5)
        assert.are.same({ "b asked: why", "b cleaned", "a closed", "c closed", "it failed: why" }, t:list())
        assert_cancelled(d, "why")
      end)

      it("5.6 one grace time for the tree above and below it", function()
        local d = combine { weir.spawn(parts.stubborn, t, "a") }
        local top = weir.spawn(function()
          local _ <close> = setmetatable({}, { __close = function() t "top closed" end })
          pcall(weir.await, d)
          t "not reached"
        end)
        assert.is_true(top:cancel("why"))
        clock:advance(4.5)
        assert.are.same({}, t:list())
        clock:advance(0.5)
        assert.are.same({ "a closed", "top closed" }, t:list())
        assert.are.same({ "cancelled", "cancelled" }, { d:status(), top:status() })
      end)

      it("5.6 closes by force a part whose cleanup awaits the whole", function()
        local d
        local part = weir.spawn(function()
          pcall(weir.await, weir.Deferred())
          local _ <close> = setmetatable({}, { __close = function() t "closed" end })
          weir.await(d)
        end)
        d = combine { part }
        local top = parts.awaiter(t, "top", d)
        assert.is_true(top:cancel("why", 2))
        clock:advance(2)
        assert.are.equal("closed", t:list()[1])
        assert.are.same({ "cancelled", "cancelled", "cancelled" }, { top:status(), d:status(), part:status() })
      end)
    end)

    describe("limited in time", function()
      it("2.7 d:timeout cancels the parts; it ends with a TimeoutError behind their cleanup", function()
        local cleanup = weir.Deferred()
        local d = watch(combine { busy("a", cleanup), traced "b" }):timeout(2)
        clock:advance(1)
        assert.are.same({}, t:list())
        clock:advance(1)
        assert.are.same({ "b", "a asked: TimeoutError" }, t:list())
        cleanup:callback()
        assert.are.equal("failure", d:status())
        assert.are.equal("TimeoutError", parts.failure(d).name)
      end)

      it("3.3 await with seconds cancels the parts, and sees a TimeoutError behind their cleanup", function()
        local cleanup = weir.Deferred()
        parts.awaiter(t, "co", combine { busy("a", cleanup), traced "b" }, 1)
        clock:advance(1)
        assert.are.same(2, #t:list())
        assert.are.equal("b", t:list()[1])
        cleanup:callback()
        assert.are.same({ "a cleaned", "co saw TimeoutError" }, { table.unpack(t:list(), 3) })
      end)

      it("3.3 await with seconds leaves it alone when another waits for it", function()
        local d = combine { traced "a" }
        local other = weir.spawn(weir.await, d)
        parts.awaiter(t, "co", d, 1)
        clock:advance(1)
        assert.are.same({ "co saw TimeoutError" }, t:list())
        assert.are.same({ "pending", "waiting" }, { d:status(), other:status() })
      end)
    end)

    describe("paused", function()
      it("6.1 holds its parts and frees them, in the order of keys, counted", function()
        local d = combine(parts.mixed(hooked))
        d:pause()
        assert.are.same(parts.prefixed("pause ", parts.KEYS), t:list())
        d:pause()
        d:unpause()
        assert.are.equal(#parts.KEYS, #t:list())
        d:unpause()
        assert.are.same(parts.prefixed("unpause ", parts.KEYS), { table.unpack(t:list(), #parts.KEYS + 1) })
        h.raised(d.unpause, d)
      end)

      it("6.1 keeps what arrives, and tells callbacks and waiters on unpause", function()
        local a, b = weir.Deferred(), weir.Deferred()
        local d = watch(combine { a, b })
        parts.awaiter(t, "co", d:add_callback(function() return "v" end))
        d:pause()
        a:callback("a")
        b:callback("b")
        assert.are.same({}, t:list())
        assert.are.equal("pending", d:status())
        d:unpause()
        assert.are.same({ "it done", "co got v" }, t:list())
      end)

      it("6.1 by way of a coroutine that awaits it", function()
        local co = weir.spawn(weir.await, combine { hooked "a", x = hooked "x" })
        co:pause()
        assert.are.same({ "pause a", "pause x" }, t:list())
        co:unpause()
        assert.are.same({ "pause a", "pause x", "unpause a", "unpause x" }, t:list())
      end)

      it("6.1 before it is waited for by anybody, and again when its waiter is", function()
        local d = combine { hooked "a" }
        d:pause()
        local co = weir.spawn(weir.await, d)
        co:pause()
        d:unpause()
        assert.are.same({ "pause a" }, t:list())
        co:unpause()
        assert.are.same({ "pause a", "unpause a" }, t:list())
      end)

      it("6.2 freezes the sleep of its parts", function()
        local d = combine { weir.after(10, "v"), weir.spawn(weir.sleep, 10) }
        clock:advance(4)
        d:pause()
        clock:advance(100)
        d:unpause()
        clock:advance(5.5)
        assert.are.equal("pending", d:status())
        clock:advance(0.5)
        assert.are.equal("success", d:status())
      end)

      it("6.3 does not hold a part for which another waits; that one is told, it is told on unpause", function()
        local shared = hooked "shared"
        local d = watch(combine { shared })
        parts.awaiter(t, "other", shared)
        d:pause()
        shared:callback("v")
        assert.are.same({ "other got v" }, t:list())
        assert.are.equal("pending", d:status())
        d:unpause()
        assert.are.same({ "other got v", "it done" }, t:list())
      end)

      it("6.3 holds a shared part while the other is held too", function()
        local shared = hooked "shared"
        local one, two = combine { shared }, combine { shared }
        one:pause()
        assert.are.same({}, t:list())
        two:pause()
        assert.are.same({ "pause shared" }, t:list())
        one:unpause()
        assert.are.same({ "pause shared", "unpause shared" }, t:list())
        two:unpause()
      end)

      it("6.3 a part that stands under two keys is not shared: it is held", function()
        local part = hooked "part"
        local d = combine { part, part }
        d:pause()
        d:unpause()
        assert.are.same({ "pause part", "unpause part" }, t:list())
      end)

      it("6.3 a part that was paused itself stays held behind the unpause", function()
        local part = hooked "part"
        local d = watch(combine { part })
        part:pause()
        d:pause()
        d:unpause()
        part:callback("v")
        assert.are.same({ "pause part" }, t:list())
        part:unpause()
        assert.are.same({ "pause part", "it done" }, t:list())
      end)

      it("6.3 a cancelled one no longer counts for a part that it left", function()
        local shared = hooked "shared"
        local d, co = combine { shared }, weir.spawn(weir.await, shared)
        co:pause()
        assert.are.same({}, t:list())
        d:cancel()
        assert.are.same({ "pause shared" }, t:list())
        co:unpause()
      end)
    end)

    describe("and the collector", function()
      it("9 abandoned with its parts, it is collected with them", function()
        local weak
        local function build()
          local list = parts.list(3, function() return weir.Deferred() end)
          local d = combine(list):add_callback(h.ignore)
          weak = parts.weak(d, list, table.unpack(list))
        end
        build()
        assert.is_true(h.released(weak))
        assert.are.same({}, parts.reported(reports))
      end)

      it("9 its callbacks run though only a part is held", function()
        local part = weir.Deferred()
        watch(combine { part })
        h.collect()
        part:callback("v")
        assert.are.same({ "it done" }, t:list())
      end)

      it("3.8 a coroutine that awaits it is left alone while a part can be reached", function()
        local part = weir.Deferred()
        local function build() parts.awaiter(t, "co", combine { weir.Deferred(), part }:add_both(h.ignore)) end
        build()
        h.collect()
        weir.step()
        assert.are.same({}, t:list())
        assert.are.equal("pending", part:status())
      end)

      it("3.8 a coroutine that awaits it is cancelled when no part can be reached", function()
        local function build() parts.awaiter(t, "co", combine { traced "a", traced "b" }) end
        build()
        h.collect()
        weir.step()
        assert.are.same({ "a", "b", "co saw collected" }, t:list())
        h.collect()
        weir.step()
        assert.are.equal(3, #t:list())
      end)

      it("9 ended, it keeps neither its parts nor the table", function()
        local weak
        local function build()
          local list = parts.list(3, function() return weir.Deferred() end)
          weak = parts.weak(list, table.unpack(list))
          local d = combine(list)
          for _, part in ipairs(list) do part:callback("v") end
          return d
        end
        local d = build()
        assert.are.equal("success", d:status())
        assert.is_true(h.released(weak))
      end)

      it("9 cancelled, it is not kept by a part that goes on", function()
        local shared, weak = weir.Deferred(), nil
        local other = weir.spawn(weir.await, shared)
        local function build()
          local d = combine { shared }
          weak = parts.weak(d)
          d:cancel()
        end
        build()
        assert.is_true(h.released(weak))
        assert.are.equal("waiting", other:status())
      end)
    end)

    describe("is flat", function()
      local function wrap(d) return combine { d } end

      it("2.4 nested twenty thousand deep, when the innermost fires", function()
        local inner = weir.Deferred()
        local d = watch(parts.nest(MANY, inner, wrap))
        inner:callback("v")
        assert.are.same({ "it done" }, t:list())
        assert.are.equal("success", d:status())
      end)

      it("5.2 nested twenty thousand deep, when the outermost is cancelled", function()
        local inner = traced "inner"
        local d = parts.nest(MANY, inner, wrap)
        assert.is_true(d:cancel("why"))
        assert.are.same({ "inner" }, t:list())
        assert_cancelled(d, "why")
        assert.is_true(rawequal(parts.failure(d), parts.failure(inner)))
      end)

      it("6.4 nested twenty thousand deep, when the outermost is paused", function()
        local inner = hooked "inner"
        local d = parts.nest(MANY, inner, wrap)
        d:pause()
        inner:callback("v")
        assert.are.same({ "pause inner" }, t:list())
        assert.are.equal("pending", d:status())
        d:unpause()
        assert.are.equal("success", d:status())
      end)

      it("2.4 nested twenty thousand deep, when it is collected", function()
        local weak
        local function build()
          local inner = weir.Deferred()
          weak = parts.weak(inner, parts.nest(MANY, inner, wrap))
        end
        build()
        assert.is_true(h.released(weak))
      end)

      it("9 twenty thousand parts, fired", function()
        local list = parts.list(MANY, function() return weir.Deferred() end)
        local d = combine(list)
        for _, part in ipairs(list) do part:callback("v") end
        assert.are.equal("success", d:status())
      end)

      it("9 twenty thousand parts, cancelled, in order", function()
        local list = parts.list(MANY, traced)
        assert.is_true(combine(list):cancel())
        assert.are.equal(table.concat(parts.list(MANY, tostring), " "), table.concat(t:list(), " "))
        assert.are.equal(MANY, parts.count(list, "cancelled"))
      end)

      it("9 twenty thousand times the same part", function()
        local part = traced "part"
        local d = combine(parts.list(MANY, function() return part end))
        assert.is_true(d:cancel())
        assert.are.same({ "part" }, t:list())
        assert.are.equal("cancelled", d:status())
      end)

      it("5.3 twenty thousand over one part, cancelled one after the other", function()
        local part = traced "part"
        local list = parts.list(MANY, function() return combine { part } end)
        for i = 1, MANY - 1 do list[i]:cancel() end
        assert.are.same({}, t:list())
        list[MANY]:cancel()
        assert.are.same({ "part" }, t:list())
      end)
    end)
  end)
end
