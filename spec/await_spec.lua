local weir = require "weir"
local h = require "spec.helper"
local inside = require "weir.busted".it
local places = require "spec.places"

local function guard(f) return setmetatable({}, { __close = f }) end

describe("await", function()
  local clock, t
  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)
  after_each(h.restore)

  describe("of a Deferred", function()
    inside("3.3 gives the values: none, one, many, nils among them", function()
      local function values(...) return table.pack(weir.await(weir.succeed(...))) end
      assert.same({ n = 0 }, values())
      assert.same({ n = 1 }, values(nil))
      assert.same({ n = 4, nil, "x", false, nil }, values(nil, "x", false, nil))
    end)

    it("3.3 gives the values of a later fire: none, one, many, nils among them", function()
      local function values(...)
        local d = weir.Deferred()
        local co = weir.spawn(function() return weir.await(d) end)
        assert.equal("waiting", co:status())
        d:callback(...)
        return table.pack(co:result())
      end
      assert.same({ n = 0 }, values())
      assert.same({ n = 1 }, values(nil))
      assert.same({ n = 4, nil, "x", false, nil }, values(nil, "x", false, nil))
    end)

    inside("3.3 raises the error of one that has failed, identity kept, nil included", function()
      local err = {}
      assert.is_true(rawequal(err, h.raised(weir.await, weir.fail(err))))
      assert.same({ n = 2, false, nil }, table.pack(pcall(weir.await, weir.fail(nil))))
    end)

    it("3.3 raises the error of a later failure, identity kept, nil included", function()
      for _, err in ipairs { {}, "text", false } do
        local d = weir.Deferred()
        local co = weir.spawn(function() return pcall(weir.await, d) end)
        d:errback(err)
        local ok, seen = co:result()
        assert.is_false(ok)
        assert.equal(err, seen)
      end
      local d = weir.Deferred()
      local co = weir.spawn(function() return pcall(weir.await, d) end)
      d:errback(nil)
      assert.same({ n = 2, false, nil }, table.pack(co:result()))
    end)

    it("3.3 an error nobody catches is the coroutine's failure", function()
      local d, err = weir.Deferred(), {}
      local co = weir.spawn(function()
        weir.await(d)
        t "never"
      end)
      d:errback(err)
      assert.equal(err, h.raised(co.result, co))
      assert.same({}, t:list())
    end)

    it("3.3 does not switch if the Deferred has fired", function()
      local gate = weir.Deferred()
      weir.spawn(function()
        weir.await(gate)
        t "other"
      end)
      weir.spawn(function()
        gate:callback("fired")
        t(weir.await(gate))
        t(select(2, pcall(weir.await, weir.fail("failed"))))
        t "end"
      end)
      assert.same({ "fired", "failed", "end", "other" }, t:list())
    end)

    it("3.3 gives each of many waiters, before and after the fire, the same values", function()
      local d = weir.Deferred()
      local value = {}
      local function wait() t(weir.await(d)) end
      weir.spawn(wait)
      weir.spawn(wait)
      d:callback(value)
      weir.spawn(wait)
      assert.equal(3, #t:list())
      for i = 1, 3 do assert.equal(value, t:list()[i]) end
    end)

    it("3.3 waits from any call depth, through pcall, metamethods, iterators and <close>", function()
      local function nap(v)
        weir.sleep(1)
        return v
      end
      local box = setmetatable({}, {
        __index = function(_, k) return nap(k) end,
        __add = function(_, v) return nap(v) end,
        __lt = function() return nap(true) end,
        __concat = function(_, v) return nap(v) end,
        __call = function(_, v) return nap(v) end,
      })
      weir.spawn(function()
        do
          local _ <close> = guard(function() t(nap "close") end)
          t(select(2, pcall(pcall, nap, "pcall")))
          t(box.index)
          t(box + "add")
          t(box < box)
          t(box .. "concat")
          t(box("call"))
          for v in function(_, last) return nap(not last and "iterator" or nil) end do t(v) end
        end
        t "end"
      end)
      clock:advance(20)
      assert.same({ true, "index", "add", true, "concat", "call", "iterator", "close", "end" }, t:list())
    end)

    it("3.3 anything but a Deferred is an argument error", function()
      local pattern = "bad argument #1 to '[%w_.]*await'"
      local co = weir.spawn(function()
        for _, bad in ipairs { 42, "d", {}, print, false } do
          local ok, err = pcall(weir.await, bad)
          if not ok and err:find(pattern) then t "bad" end
        end
        local ok, err = pcall(weir.await)
        if not ok and err:find(pattern) then t "bad" end
        return "went on"
      end)
      assert.same({ "bad", "bad", "bad", "bad", "bad", "bad" }, t:list())
      assert.equal("went on", co:result())
    end)
  end)

  describe("with seconds", function()
    it("3.3 fired in time: the values, and the timer is gone", function()
      local d, later = weir.Deferred(), weir.Deferred()
      weir.spawn(function()
        t(weir.await(d, 5))
        t(weir.await(later))
      end)
      clock:advance(4)
      d:callback("in time")
      assert.is_nil(weir.step())
      clock:advance(10)
      assert.same({ "in time" }, t:list())
      later:callback("later")
      assert.same({ "in time", "later" }, t:list())
    end)

    inside("3.3 fired before the await: the values, no timer, even with no time at all", function()
      assert.equal("x", weir.await(weir.succeed "x", 0))
      assert.equal("x", weir.await(weir.succeed "x", 1))
      assert.equal(0.0, weir.now())
      weir.sleep(2) -- a timer left behind would end this one
    end)

    it("3.3 expiry raises a TimeoutError at the await, which is no cancel error", function()
      local d, err, at = weir.Deferred(), nil, nil
      local co = weir.spawn(function()
        local _
        _, err = pcall(weir.await, d, 5)
        at = clock:now()
        return "went on"
      end)
      clock:advance(4)
      assert.is_nil(err)
      clock:advance(4)
      assert.equal("TimeoutError", err.name)
      assert.is_false(weir.is_cancelled(err))
      assert.equal(5, at)
      assert.equal("went on", co:result())
    end)

    it("3.3 expiry of the only waiter cancels the Deferred", function()
      local d = weir.Deferred(function() t "canceller" end)
      weir.spawn(function()
        local _, err = pcall(weir.await, d, 5)
        t(err.name)
      end)
      clock:advance(5)
      assert.same({ "canceller", "TimeoutError" }, t:list())
      assert.equal("cancelled", d:status())
    end)

    it("3.3 expiry where others wait: this waiter alone leaves", function()
      local d = weir.Deferred(function() t "canceller" end)
      weir.spawn(function() t(weir.await(d)) end)
      weir.spawn(function()
        local _, err = pcall(weir.await, d, 5)
        t(err.name)
      end)
      clock:advance(5)
      assert.same({ "TimeoutError" }, t:list())
      assert.equal("pending", d:status())
      d:callback("value")
      assert.same({ "TimeoutError", "value" }, t:list())
    end)

    it("3.3 of two waiters with times the second to leave is the last, and cancels", function()
      local d = weir.Deferred(function() t "canceller" end)
      local function wait(seconds)
        local _, err = pcall(weir.await, d, seconds)
        t(seconds .. err.name)
      end
      weir.spawn(wait, 2)
      weir.spawn(wait, 1)
      clock:advance(3)
      assert.same({ "1TimeoutError", "canceller", "2TimeoutError" }, t:list())
    end)

    it("3.3 a waiter that has left is not woken out of a later wait", function()
      local d, later = weir.Deferred(), weir.Deferred()
      weir.spawn(function() weir.await(d) end)
      weir.spawn(function()
        pcall(weir.await, d, 5)
        t "left"
        t(weir.await(later))
      end)
      clock:advance(5)
      d:callback("too late")
      assert.same({ "left" }, t:list())
      later:callback("later")
      assert.same({ "left", "later" }, t:list())
    end)

    it("3.3 after the expiry of an only waiter the TimeoutError comes when the awaited has ended", function()
      local inner = weir.spawn(function()
        local _ <close> = guard(function()
          weir.sleep(3)
          t "inner has cleaned up"
        end)
        weir.sleep(100)
      end)
      weir.spawn(function()
        local _, err = pcall(weir.await, inner, 1)
        t(err.name)
      end)
      clock:advance(3)
      assert.same({}, t:list())
      clock:advance(1)
      assert.same({ "inner has cleaned up", "TimeoutError" }, t:list())
      assert.equal("cancelled", inner:status())
    end)

    it("3.3 a success that the canceller answers an expiry with is delivered", function()
      -- As 5.2 and 2.7 have it, and asyncio.wait_for: what was acquired is not lost.
      local d = weir.Deferred(function(d) d:callback("acquired") end)
      local co = weir.spawn(function() return weir.await(d, 5) end)
      clock:advance(5)
      assert.equal("acquired", co:result())
    end)

    it("3.3 no time at all expires at the next advance, infinity never, nil is no limit", function()
      local function wait(name, seconds)
        local _, err = pcall(weir.await, weir.Deferred(), seconds)
        t(name .. " " .. err.name)
      end
      local keep = { weir.spawn(wait, "zero", 0), weir.spawn(wait, "inf", math.huge), weir.spawn(wait, "nil", nil) }
      assert.same({}, t:list())
      clock:advance(0)
      assert.same({ "zero TimeoutError" }, t:list())
      clock:advance(1e12)
      assert.same({ "zero TimeoutError" }, t:list())
      keep[2]:cancel()
      keep[3]:cancel()
      assert.same({ "zero TimeoutError", "inf CancelledError", "nil CancelledError" }, t:list())
    end)

    it("3.3 negative times, NaN and non-numbers are argument errors, nothing registered", function()
      local d = weir.Deferred(function() t "cancelled" end)
      local co = weir.spawn(function()
        for _, bad in ipairs { -1, 0 / 0, "soon", {} } do
          local ok, err = pcall(weir.await, d, bad)
          if not ok and err:find("bad argument #2 to '[%w_.]*await'") then t "bad" end
        end
        return weir.await(d)
      end)
      assert.same({ "bad", "bad", "bad", "bad" }, t:list())
      assert.is_nil(weir.step())
      co:cancel()
      assert.same({ "bad", "bad", "bad", "bad", "cancelled" }, t:list())
    end)
  end)

  describe("coroutine.yield(d)", function()
    it("3.3 gives the values, fired before or later", function()
      local d = weir.Deferred()
      local co = weir.spawn(function()
        t(coroutine.yield(weir.succeed "at once"))
        return coroutine.yield(d)
      end)
      assert.same({ "at once" }, t:list())
      assert.equal("waiting", co:status())
      d:callback(nil, 2, nil)
      assert.same({ n = 3, nil, 2, nil }, table.pack(co:result()))
    end)

    it("3.3 awaits a Coroutine too", function()
      local co = weir.spawn(function()
        return coroutine.yield(weir.spawn(function()
          weir.sleep(1)
          return "inner"
        end))
      end)
      clock:advance(1)
      assert.equal("inner", co:result())
    end)

    it("3.3 raises the error at the yield, identity kept, nil included, fired before or later", function()
      local function seen(d, fire)
        local co = weir.spawn(function()
          return pcall(function()
            coroutine.yield(d)
            t "never"
          end)
        end)
        if fire then fire() end
        return table.pack(co:result())
      end
      local err, d = {}, weir.Deferred()
      assert.equal(err, seen(weir.fail(err))[2])
      assert.equal(err, seen(d, function() d:errback(err) end)[2])
      assert.same({ n = 2, false, nil }, seen(weir.fail(nil)))
      assert.same({}, t:list())
    end)

    it("3.3 an error nobody catches is the coroutine's failure", function()
      local d, err = weir.Deferred(), {}
      local co = weir.spawn(function()
        coroutine.yield(d)
        t "never"
      end)
      d:errback(err)
      assert.equal(err, h.raised(co.result, co))
      assert.same({}, t:list())
    end)

    it("3.3 as the body itself, where no instruction is left to raise at, its end is that of d", function()
      for _, is_awaited in ipairs { false, true } do
        local fails, fires = weir.Deferred(), weir.Deferred()
        local one, other = weir.spawn(coroutine.yield, fails), weir.spawn(coroutine.yield, fires)
        if is_awaited then weir.spawn(function() t(h.raised(weir.await, one)) end) end
        fails:errback("an error")
        fires:callback(1)
        assert.same({ "failure", "success", 1 }, { one:status(), other:status(), other:result() })
        assert.equal("an error", h.raised(one.result, one))
      end
      assert.same({ "an error" }, t:list())
    end)

    it("3.3 under pcall(coroutine.yield, d) the error is raised behind that pcall", function()
      local d, err = weir.Deferred(), {}
      local co = weir.spawn(function()
        return pcall(function()
          pcall(coroutine.yield, d)
          t "never"
        end)
      end)
      d:errback(err)
      local ok, seen = co:result()
      assert.is_false(ok)
      assert.equal(err, seen)
      assert.same({}, t:list())
    end)

    inside("3.3 under pcall(coroutine.yield, d) a success comes out of that pcall", function()
      assert.same({ true, 1, 2 }, { pcall(coroutine.yield, weir.succeed(1, 2)) })
    end)

    it("3.3 a coroutine goes on to other waits after an error raised at a yield", function()
      local d, later = weir.Deferred(), weir.Deferred()
      local co = weir.spawn(function()
        pcall(function() coroutine.yield(d) end)
        for i = 1, 1000 do t(i) end
        return coroutine.yield(later)
      end)
      d:errback("once")
      later:callback("later")
      assert.equal("later", co:result())
      assert.equal(1000, #t:list())
    end)

    it("3.3 a cancel is raised at the yield and cancels the Deferred", function()
      local d = weir.Deferred(function() t "canceller" end)
      local co = weir.spawn(function()
        local ok, err = pcall(function() coroutine.yield(d) end)
        t(not ok and weir.is_cancelled(err))
      end)
      co:cancel()
      assert.same({ "canceller", true }, t:list())
      assert.equal("cancelled", co:status())
    end)

    it("3.3 any other yielded value is an error raised at the yield, and the coroutine goes on", function()
      local co = weir.spawn(function()
        t(pcall(function() coroutine.yield(42) end))
        t(pcall(function() coroutine.yield("text") end))
        t(pcall(function() coroutine.yield(nil) end))
        t(pcall(function() coroutine.yield({}) end))
        return "went on"
      end)
      while weir.step() == 0 do t "step" end
      assert.same({ false, false, false, false }, t:list())
      assert.equal("went on", co:result())
    end)

    it("3.3 a Deferred among several yielded values is such an error, nothing registered", function()
      local d, later = weir.Deferred(function() t "canceller" end), weir.Deferred()
      local co = weir.spawn(function()
        t(pcall(function() coroutine.yield(d, d) end))
        t(pcall(function() coroutine.yield(d, 1) end))
        return weir.await(later)
      end)
      assert.same({ false, false }, t:list())
      d:callback("not yours")
      assert.equal("waiting", co:status())
      later:callback("yours")
      assert.equal("yours", co:result())
    end)

    it("3.3 an uncaught bad yield is the coroutine's failure", function()
      local co = weir.spawn(function() coroutine.yield(42) end)
      assert.equal("failure", co:status())
      assert.equal("string", type(h.raised(co.result, co)))
    end)
  end)

  describe("yield", function()
    it("3.4 weir.yield() and coroutine.yield() go to the back of the ready queue", function()
      local function body(name, yield)
        for i = 1, 3 do
          t(name .. i)
          yield()
        end
      end
      weir.spawn(body, "a", weir.yield)
      weir.spawn(body, "b", coroutine.yield)
      weir.spawn(body, "c", weir.yield)
      assert.same({ "a1", "b1", "c1" }, t:list())
      weir.step()
      assert.same({ "a1", "b1", "c1", "a2", "b2", "c2" }, t:list())
      weir.step()
      assert.same({ "a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3" }, t:list())
    end)

    it("3.4 they return nothing", function()
      local co = weir.spawn(function() return select("#", weir.yield()), select("#", coroutine.yield()) end)
      weir.step()
      weir.step()
      assert.same({ 0, 0 }, { co:result() })
    end)

    it("3.4 a cancel is raised at them, in the cancel call", function()
      for _, yield in ipairs { weir.yield, coroutine.yield } do
        local co = weir.spawn(function()
          local ok, err = pcall(function()
            yield()
            t "never"
          end)
          t(not ok and weir.is_cancelled(err))
        end)
        assert.equal("ready", co:status())
        assert.is_true(co:cancel())
        assert.equal("cancelled", co:status())
      end
      assert.same({ true, true }, t:list())
    end)

    it("3.4 a pause holds one that yielded", function()
      for _, yield in ipairs { weir.yield, coroutine.yield } do
        local co = weir.spawn(function()
          yield()
          return "went on"
        end)
        co:pause()
        assert.equal("paused", co:status())
        weir.step()
        assert.equal("paused", co:status())
        co:unpause()
        weir.step()
        assert.equal("went on", co:result())
      end
    end)

    it("3.4 weir.yield() raises where nothing can suspend", function()
      assert.has_error(function() weir.yield() end)
      local co = weir.spawn(function()
        table.sort({ 2, 1 }, function(a, b)
          t(pcall(weir.yield))
          return a < b
        end)
        return "went on"
      end)
      assert.is_false(t:list()[1])
      assert.equal("went on", co:result())
    end)
  end)

  describe("where nothing can suspend", function()
    for _, place in ipairs(places) do
      it("3.6 await raises " .. place[1] .. ", fired or not, nothing registered", function()
        local pending, seen = weir.Deferred(function() t "canceller" end), {}
        place[2](function()
          seen[#seen + 1] = { pcall(weir.await, pending) }
          seen[#seen + 1] = { pcall(weir.await, pending, 5) }
          seen[#seen + 1] = { pcall(weir.await, weir.succeed "fired") }
          seen[#seen + 1] = { pcall(weir.await, weir.fail "failed") }
        end)
        assert.equal(4, #seen)
        for i = 1, 4 do
          assert.is_false(seen[i][1])
          assert.are_not.equal("failed", seen[i][2])
        end
        assert.is_nil(weir.step())
        clock:advance(10)
        assert.equal("pending", pending:status())
        pending:callback("value")
        assert.equal("value", pending:result())
      end)
    end

    it("3.6 an await refused at a C-call boundary leaves no waiter: the Deferred wakes nobody", function()
      local d, later = weir.Deferred(), weir.Deferred()
      local co = weir.spawn(function()
        table.sort({ 2, 1 }, function(a, b)
          t(pcall(weir.await, d))
          return a < b
        end)
        return weir.await(later)
      end)
      assert.is_false(t:list()[1])
      d:callback("not yours")
      assert.equal("waiting", co:status())
      later:callback("yours")
      assert.equal("yours", co:result())
    end)

    it("3.6 an await refused does not protect the Deferred from the cancel of its one waiter", function()
      local d = weir.Deferred()
      pcall(weir.await, d)
      local co = weir.spawn(function() weir.await(d) end)
      co:cancel()
      assert.equal("cancelled", d:status())
    end)

    it("3.6 an await in a Deferred callback is the next failure", function()
      local d = weir.succeed():add_callback(function() return weir.await(weir.succeed()) end)
      assert.equal("failure", d:status())
      assert.equal("string", type(h.raised(d.result, d)))
    end)

    inside("3.6 a plain generator inside a coroutine works with yields of its own", function()
      for v in coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(i) end
      end) do
        weir.sleep(1)
        t(v .. " at " .. weir.now())
      end
      assert.same({ "1 at 1.0", "2 at 2.0", "3 at 3.0" }, t:list())
    end)
  end)

  describe("weir.wrap", function()
    inside("3.6 makes a generator through which await works", function()
      for v in weir.wrap(function()
        for i = 1, 3 do
          weir.sleep(1)
          coroutine.yield(i)
        end
      end) do
        t(v .. " at " .. weir.now())
      end
      assert.same({ "1 at 1.0", "2 at 2.0", "3 at 3.0" }, t:list())
    end)

    inside("3.6 await in a generator returns the values there and raises the errors there", function()
      local err = {}
      local gen = weir.wrap(function()
        t(weir.await(weir.after(1, "value")))
        t(h.raised(weir.await, weir.fail(err)))
        coroutine.yield("yielded")
      end)
      t(gen())
      assert.equal(3, #t:list())
      assert.equal("value", t:list()[1])
      assert.equal(err, t:list()[2])
      assert.equal("yielded", t:list()[3])
    end)

    inside("3.6 a yield in it is a value: a Deferred, several values, none", function()
      local d = weir.Deferred()
      local gen = weir.wrap(function()
        coroutine.yield(d)
        coroutine.yield(nil, 2, nil)
        coroutine.yield()
        return "last", nil
      end)
      assert.equal(d, gen())
      assert.equal("pending", d:status())
      assert.same({ n = 3, nil, 2, nil }, table.pack(gen()))
      assert.same({ n = 0 }, table.pack(gen()))
      assert.same({ n = 2, "last", nil }, table.pack(gen()))
    end)

    inside("3.6 its calls pass values in, as coroutine.wrap's do, also behind an await", function()
      local gen = weir.wrap(function(...)
        t(table.concat({ ... }, ","))
        t(table.concat({ coroutine.yield("one") }, ","))
        weir.sleep(1)
        t(table.concat({ coroutine.yield("two") }, ","))
      end)
      assert.same({ "one", "two" }, { gen("a", "b"), gen("c"), gen("d", "e") })
      assert.same({ "a,b", "c", "d,e" }, t:list())
    end)

    inside("3.6 an error in it comes out of the call, behind an await too; then it is dead", function()
      local err = {}
      local gen = weir.wrap(function()
        weir.sleep(1)
        error(err)
      end)
      assert.equal(err, h.raised(gen))
      assert.matches("dead", h.raised(gen))
    end)

    it("3.6 works in the host as coroutine.wrap does, but await raises in it", function()
      local gen = weir.wrap(function(a)
        t(coroutine.yield(a .. 1))
        coroutine.yield((pcall(weir.await, weir.succeed())))
      end)
      assert.equal("a1", gen("a"))
      assert.is_false(gen("b"))
      assert.same({ "b" }, t:list())
    end)

    inside("3.6 await passes through generators within generators", function()
      local outer = weir.wrap(function()
        local inner = weir.wrap(function() coroutine.yield("inner " .. weir.await(weir.after(1, "value"))) end)
        coroutine.yield("outer " .. inner())
      end)
      assert.equal("outer inner value", outer())
    end)

    it("3.6 a cancel is raised at the await in the generator, and cleanup runs from there outwards", function()
      local d = weir.Deferred(function() t "canceller" end)
      local co = weir.spawn(function()
        local _ <close> = guard(function() t "body" end)
        weir.wrap(function()
          local _ <close> = guard(function() t "generator" end)
          weir.await(d)
        end)()
      end)
      co:cancel()
      assert.same({ "canceller", "generator", "body" }, t:list())
      assert.equal("cancelled", co:status())
    end)

    it("3.6 a generator that awaits in one coroutine cannot be called from another", function()
      local gen = weir.wrap(function()
        weir.sleep(1)
        coroutine.yield("value")
      end)
      weir.spawn(function() t(gen()) end)
      weir.spawn(function() t((pcall(gen))) end)
      assert.same({ false }, t:list())
      clock:advance(1)
      assert.same({ false, "value" }, t:list())
    end)

    it("3.6 a generator called across a C-call boundary cannot await", function()
      local co = weir.spawn(function()
        local gen = weir.wrap(function() coroutine.yield((pcall(weir.await, weir.succeed()))) end)
        string.gsub("x", "x", function() t(gen()) end)
        return "went on"
      end)
      assert.same({ false }, t:list())
      assert.equal("went on", co:result())
    end)

    inside("3.6 may move from one coroutine to another between its yields", function()
      local gen = weir.wrap(function()
        for i = 1, 2 do
          weir.sleep(1)
          coroutine.yield(i)
        end
      end)
      for i = 1, 2 do assert.equal(i, weir.await(weir.spawn(gen))) end
    end)

    it("3.6 anything but a function is an argument error", function()
      assert.matches("bad argument #1 to '[%w_.]*wrap'", h.raised(weir.wrap, 42))
      assert.matches("bad argument #1 to '[%w_.]*wrap'", h.raised(weir.wrap))
    end)
  end)
end)
