local weir = require "weir"
local h = require "spec.helper"

local real = weir.clock()

local function guard(f) return setmetatable({}, { __close = f }) end

-- Starts a coroutine that waits for d and then runs f.
local function on(d, f)
  return weir.spawn(function()
    weir.await(d)
    f()
  end)
end

describe("sched", function()
  local clock, t
  local function say(what) t(what) end
  local function sayer(what)
    return function() t(what) end
  end
  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)
  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  describe("order", function()
    it("3.5 those that one fire wakes run in the order they waited", function()
      local d = weir.Deferred()
      for i = 1, 5 do on(d, sayer(i)) end
      d:callback()
      assert.same({ 1, 2, 3, 4, 5 }, t:list())
    end)

    it("3.5 those that several fires wake run in the order of the fires", function()
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      on(a, sayer "a")
      on(b, sayer "b1")
      on(c, sayer "c")
      on(b, sayer "b2")
      weir.spawn(function()
        c:callback()
        b:callback()
        a:callback()
      end)
      assert.same({ "c", "b1", "b2", "a" }, t:list())
    end)

    it("3.5 a fire inside a coroutine does not switch", function()
      local d = weir.Deferred()
      on(d, sayer "woken")
      weir.spawn(function()
        t "before"
        d:callback()
        t "after"
      end)
      assert.same({ "before", "after", "woken" }, t:list())
    end)

    it("3.5 what a woken one wakes runs behind what was already woken", function()
      local start, next1, next2 = weir.Deferred(), weir.Deferred(), weir.Deferred()
      on(next1, sayer "next1")
      on(next2, sayer "next2")
      on(start, function()
        t "a"
        next2:callback()
        next1:callback()
        t "a end"
      end)
      on(start, sayer "b")
      start:callback()
      assert.same({ "a", "a end", "b", "next2", "next1" }, t:list())
    end)

    it("3.5 one that ends wakes its waiters in the order they waited", function()
      local gate = weir.Deferred()
      local co = on(gate, sayer "ended")
      on(co, sayer "first")
      on(co, sayer "second")
      gate:callback()
      assert.same({ "ended", "first", "second" }, t:list())
    end)

    it("3.5 coroutines woken by failures and by values share one queue", function()
      local good, bad = weir.Deferred(), weir.Deferred()
      local function wait(name, d)
        pcall(weir.await, d)
        t(name)
      end
      weir.spawn(wait, "bad1", bad)
      weir.spawn(wait, "good", good)
      weir.spawn(wait, "bad2", bad)
      weir.spawn(function()
        bad:errback("x")
        good:callback()
      end)
      assert.same({ "bad1", "bad2", "good" }, t:list())
    end)

    it("3.5 timers fire in (deadline, armed) order, those armed on the way among them", function()
      local function after(seconds, name) return weir.after(seconds, name):add_callback(say) end
      after(2, "2 first")
      after(1, "1 first"):add_callback(function() after(1, "2 third") end)
      after(1, "1 second")
      after(3, "3")
      after(2, "2 second")
      clock:advance(3)
      assert.same({ "1 first", "1 second", "2 first", "2 second", "2 third", "3" }, t:list())
    end)

    it("3.5 the same program on the same clock gives the same order, always", function()
      local function program()
        local log, c, seed, last = h.trace(), h.manual(), 7, nil
        local function rnd(n)
          seed = (seed * 1103515245 + 12345) & 0x7fffffff
          return (seed >> 8) % n
        end
        for i = 1, 20 do
          last = weir.spawn(function(other)
            for k = 1, 5 do
              local r = rnd(4)
              if r == 0 then weir.yield()
              elseif r == 1 then weir.sleep(rnd(4))
              elseif r == 2 and other then pcall(weir.await, other, rnd(3))
              else weir.await(weir.spawn(weir.sleep, 1)) end
              log(i .. ":" .. k)
            end
          end, i % 3 == 0 and weir.shield(last) or nil)
        end
        for _ = 1, 100 do
          weir.step()
          c:advance(0.5)
        end
        return log:list()
      end
      local first = program()
      assert.equal(100, #first)
      assert.same(first, program())
      collectgarbage()
      assert.same(first, program())
    end)
  end)

  describe("calls from the host", function()
    it("3.5 a fire runs what it woke and what that woke before it returns", function()
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      on(a, function()
        t "a"
        b:callback()
      end)
      on(b, function()
        t "b"
        c:errback("x")
      end)
      weir.spawn(function()
        pcall(weir.await, c)
        t "c"
      end)
      a:callback()
      t "returned"
      assert.same({ "a", "b", "c", "returned" }, t:list())
    end)

    it("3.5 a fire runs the callbacks inside, the woken behind them", function()
      local d = weir.Deferred()
      on(d, sayer "woken")
      d:add_callback(sayer "callback 1")
      d:add_callback(sayer "callback 2")
      d:callback()
      assert.same({ "callback 1", "callback 2", "woken" }, t:list())
    end)

    it("3.5 a spawn does, and so does the call of a weir.coroutine function", function()
      local a, b = weir.Deferred(), weir.Deferred()
      on(a, sayer "woken by spawn")
      on(b, sayer "woken by call")
      weir.spawn(function()
        a:callback()
        t "spawned"
      end)
      t "returned"
      weir.coroutine(function()
        b:callback()
        t "called"
      end)()
      t "returned"
      assert.same({ "spawned", "woken by spawn", "returned", "called", "woken by call", "returned" }, t:list())
    end)

    it("3.5 a cancel does: the cleanup and what it woke", function()
      local co = weir.spawn(function()
        local _ <close> = guard(sayer "cleanup")
        weir.await(weir.Deferred())
      end)
      weir.spawn(function()
        pcall(weir.await, co)
        t "waiter"
      end)
      co:cancel()
      t "returned"
      assert.same({ "cleanup", "waiter", "returned" }, t:list())
    end)

    it("3.5 an unpause does", function()
      local d = weir.Deferred()
      local co = on(d, sayer "woken")
      co:pause()
      d:callback()
      t "held"
      co:unpause()
      t "returned"
      assert.same({ "held", "woken", "returned" }, t:list())
    end)

    it("3.5 an advance does, from deadline to deadline", function()
      local b, start = weir.Deferred(), clock:now()
      local function at(name) t(("%s%g"):format(name, clock:now() - start)) end
      weir.spawn(function()
        weir.sleep(1)
        at "a"
        b:callback()
        weir.sleep(2)
        at "a"
      end)
      on(b, function() at "b" end)
      weir.spawn(function()
        weir.sleep(2)
        at "c"
      end)
      clock:advance(5)
      at "returned"
      assert.same({ "a1", "b1", "c2", "a3", "returned5" }, t:list())
    end)

    it("3.5 an add_callback on a fired Deferred does", function()
      local d = weir.Deferred()
      on(d, sayer "woken")
      weir.succeed():add_callback(function() d:callback() end)
      t "returned"
      assert.same({ "woken", "returned" }, t:list())
    end)

    it("3.5 they do also out of a plain coroutine of the host", function()
      local d = weir.Deferred()
      on(d, sayer "woken")
      coroutine.wrap(function()
        d:callback()
        t "after"
      end)()
      assert.same({ "woken", "after" }, t:list())
    end)

    it("3.5 one that yielded waits for the next step, whatever the host calls", function()
      local d = weir.Deferred()
      weir.spawn(function()
        t "start"
        weir.yield()
        t "stepped"
      end)
      on(d, sayer "woken")
      d:callback()
      weir.spawn(say, "spawned")
      clock:advance(1)
      weir.spawn(weir.await, weir.Deferred()):cancel()
      assert.same({ "start", "woken", "spawned" }, t:list())
      weir.step()
      assert.same({ "start", "woken", "spawned", "stepped" }, t:list())
    end)

    it("3.5 one that a host call wakes and that then yields waits too", function()
      local d = weir.Deferred()
      on(d, function()
        t "woken"
        weir.yield()
        t "stepped"
      end)
      d:callback()
      assert.same({ "woken" }, t:list())
      weir.step()
      assert.same({ "woken", "stepped" }, t:list())
    end)

    it("3.5 a host call does not lose the place of those that yielded", function()
      local d = weir.Deferred()
      local function body(name)
        weir.yield()
        t(name)
      end
      weir.spawn(body, "a")
      on(d, sayer "woken")
      weir.spawn(body, "b")
      d:callback()
      weir.spawn(body, "c")
      weir.step()
      assert.same({ "woken", "a", "b", "c" }, t:list())
    end)
  end)

  describe("inline(false)", function()
    it("3.5 inline returns the old setting", function()
      assert.is_true(weir.inline(false))
      assert.is_false(weir.inline(false))
      assert.is_false(weir.inline(true))
      assert.is_true(weir.inline(true))
    end)

    it("3.5 a fire only queues: everything runs in the step, in FIFO order", function()
      local a, b = weir.Deferred(), weir.Deferred()
      on(a, sayer "a1")
      on(b, sayer "b")
      on(a, sayer "a2")
      weir.inline(false)
      b:callback()
      a:callback()
      assert.same({}, t:list())
      weir.step()
      assert.same({ "b", "a1", "a2" }, t:list())
    end)

    it("3.5 a spawn only queues", function()
      weir.inline(false)
      local co = weir.spawn(function(v)
        t "body"
        return v
      end, "value")
      assert.same({}, t:list())
      assert.equal("ready", co:status())
      weir.step()
      assert.same({ "body" }, t:list())
      assert.equal("value", co:result())
    end)

    it("3.5 inside a coroutine the start stays eager", function()
      weir.inline(false)
      weir.spawn(function()
        t "caller"
        weir.spawn(say, "callee")
        t "back"
      end)
      weir.step()
      assert.same({ "caller", "callee", "back" }, t:list())
    end)

    it("3.5 a cancel only queues", function()
      local co = weir.spawn(function()
        local _ <close> = guard(sayer "cleanup")
        weir.await(weir.Deferred())
      end)
      weir.inline(false)
      assert.is_true(co:cancel())
      assert.same({}, t:list())
      weir.step()
      assert.same({ "cleanup" }, t:list())
      assert.equal("cancelled", co:status())
    end)

    it("3.5 an advance only queues, in (deadline, armed) order", function()
      local function nap(name, seconds)
        weir.sleep(seconds)
        t(name)
      end
      weir.spawn(nap, "late", 2)
      weir.spawn(nap, "early", 1)
      weir.inline(false)
      clock:advance(3)
      assert.same({}, t:list())
      weir.step()
      assert.same({ "early", "late" }, t:list())
    end)

    it("3.5 callbacks are no coroutines: they still run inside the fire", function()
      weir.inline(false)
      local d = weir.Deferred():add_callback(say)
      d:callback("callback")
      assert.same({ "callback" }, t:list())
    end)

    it("3.5 run runs what was queued, in its turn", function()
      local d = weir.Deferred()
      on(d, sayer "woken")
      weir.inline(false)
      d:callback()
      weir.spawn(say, "spawned")
      weir.run(say, "run")
      assert.same({ "woken", "spawned", "run" }, t:list())
    end)
  end)

  describe("step", function()
    it("7.3 a step is one pass: what yields in it waits for the next", function()
      local function body(name)
        for i = 1, 3 do
          weir.yield()
          t(name .. i)
        end
      end
      weir.spawn(body, "a")
      weir.spawn(body, "b")
      weir.step()
      assert.same({ "a1", "b1" }, t:list())
      weir.step()
      assert.same({ "a1", "b1", "a2", "b2" }, t:list())
      weir.step()
      assert.same({ "a1", "b1", "a2", "b2", "a3", "b3" }, t:list())
    end)

    it("7.3 what is woken in a pass, and what that wakes, runs in it, behind what was ready", function()
      local d1, d2 = weir.Deferred(), weir.Deferred()
      on(d1, function()
        t "one"
        d2:callback()
      end)
      on(d2, sayer "two")
      weir.spawn(function()
        weir.yield()
        t "a"
        d1:callback()
        t "a fired"
        weir.yield()
        t "a2"
      end)
      weir.spawn(function()
        weir.yield()
        t "b"
        weir.yield()
        t "b2"
      end)
      weir.step()
      assert.same({ "a", "a fired", "b", "one", "two" }, t:list())
      weir.step()
      assert.same({ "a", "a fired", "b", "one", "two", "a2", "b2" }, t:list())
    end)

    it("7.3 what is ready runs before the timers that are due", function()
      weir.clock(real)
      weir.spawn(function()
        weir.sleep(0)
        t "timer"
      end)
      weir.spawn(function()
        weir.yield()
        t "ready"
      end)
      repeat until not weir.step()
      assert.same({ "ready", "timer" }, t:list())
    end)

    it("7.3 it returns 0 if something is ready, nil if there is nothing", function()
      assert.is_nil(weir.step())
      local co = weir.spawn(function()
        weir.yield()
        weir.yield()
      end)
      assert.equal(0, weir.step())
      assert.is_nil(weir.step())
      assert.equal("success", co:status())
    end)

    it("7.3 it returns the seconds to the next deadline", function()
      weir.spawn(weir.sleep, 7)
      weir.spawn(weir.sleep, 5)
      assert.equal(5, weir.step())
      clock:advance(2)
      assert.equal(3, weir.step())
      clock:advance(3)
      assert.equal(2, weir.step())
      clock:advance(2)
      assert.is_nil(weir.step())
    end)

    it("7.3 a coroutine that waits for what nobody fires is nothing to do, nor is a frozen timer", function()
      local d = weir.Deferred()
      local co = weir.spawn(function() weir.await(d) end)
      local sleeper = weir.spawn(function() weir.sleep(5) end)
      sleeper:pause()
      assert.is_nil(weir.step())
      sleeper:unpause()
      assert.equal(5, weir.step())
      d:callback()
      assert.equal("success", co:status())
    end)

    it("7.3 it stops at the first wait behind the budget", function()
      local function body(name)
        for i = 1, 2 do
          weir.yield()
          t(name .. i)
        end
        weir.yield()
      end
      weir.spawn(body, "a")
      weir.spawn(body, "b")
      assert.equal(0, weir.step(0))
      assert.same({ "a1" }, t:list())
      assert.equal(0, weir.step(0))
      assert.same({ "a1", "b1" }, t:list())
      assert.equal(0, weir.step(0))
      assert.same({ "a1", "b1", "a2" }, t:list())
      assert.equal(0, weir.step(0))
      assert.same({ "a1", "b1", "a2", "b2" }, t:list())
      repeat until not weir.step(0)
    end)

    it("7.3 a budget of infinity is none; negative, NaN and non-numbers are argument errors", function()
      weir.spawn(function()
        weir.yield()
        t "ran"
      end)
      for _, bad in ipairs { -1, 0 / 0, "1s", {} } do
        assert.matches("bad argument #1 to '[%w_.]*step'", h.raised(weir.step, bad))
      end
      assert.same({}, t:list())
      weir.step(math.huge)
      assert.same({ "ran" }, t:list())
    end)

    it("7.3 an error in a coroutine does not come out of step", function()
      local co = weir.spawn(function()
        weir.yield()
        error("inside", 0)
      end)
      assert.has_no_error(function() weir.step() end)
      assert.equal("inside", h.raised(co.result, co))
    end)
  end)

  describe("run", function()
    it("7.3 run(f, ...) passes the arguments and returns the values of f's coroutine", function()
      assert.same(
        { n = 4, 3, nil, 2, nil },
        table.pack(weir.run(function(...)
          weir.yield()
          return select("#", ...), ...
        end, nil, 2, nil))
      )
    end)

    it("7.3 run(f) raises the error of f's coroutine, identity kept", function()
      local err = {}
      assert.equal(err, h.raised(weir.run, error, err))
      assert.equal(err, h.raised(weir.run, function()
        weir.yield()
        error(err)
      end))
      assert.same({ n = 2, false, nil }, table.pack(pcall(weir.run, error, nil)))
    end)

    it("7.3 run(f) runs the loop until f's coroutine ends, and leaves the others as they are", function()
      local ticks = 0
      local other = weir.spawn(function()
        while true do
          ticks = ticks + 1
          weir.yield()
        end
      end)
      assert.equal("end", weir.run(function()
        for _ = 1, 10 do weir.yield() end
        return "end"
      end))
      assert.is_true(ticks >= 10)
      assert.equal("ready", other:status())
      local before = ticks
      weir.step()
      assert.equal(before + 1, ticks)
      other:cancel()
    end)

    it("7.3 run(f) waits for the clock and for others", function()
      weir.clock(real)
      local d = weir.Deferred()
      weir.spawn(function()
        weir.sleep(0.001)
        d:callback("from another")
      end)
      assert.equal("from another", weir.run(function() return weir.await(d) end))
    end)

    it("7.3 run(f) adopts a Deferred that f returns", function()
      assert.equal("adopted", weir.run(function() return weir.succeed("adopted") end))
    end)

    it("7.3 run() runs until nothing is left to do, and returns nothing", function()
      weir.clock(real)
      local co = weir.spawn(function()
        weir.yield()
        weir.sleep(0.001)
        for _ = 1, 3 do weir.yield() end
        return "end"
      end)
      assert.equal(0, select("#", weir.run()))
      assert.equal("end", co:result())
    end)

    it("7.3 for run() frozen timers and waits that nobody ends are nothing", function()
      local co = weir.spawn(function() weir.await(weir.Deferred()) end)
      local sleeper = weir.spawn(function() weir.sleep(1) end)
      sleeper:pause()
      weir.run()
      assert.equal("waiting", co:status())
      assert.equal("paused", sleeper:status())
      co:cancel()
      sleeper:cancel()
    end)

    it("7.3 run(f) of anything but a function is an argument error", function()
      assert.matches("bad argument #1 to '[%w_.]*run'", h.raised(weir.run, 42))
    end)

    it("7.3 inside a coroutine step and run are errors at the call", function()
      local co = weir.spawn(function()
        t(pcall(weir.step))
        t(pcall(weir.run))
        t(pcall(weir.run, say, "never"))
        return "went on"
      end)
      assert.same({ false, false, false }, t:list())
      assert.equal("went on", co:result())
    end)

    it("7.3 inside a callback and a canceller step and run are errors at the call", function()
      local function try()
        t(pcall(weir.step))
        t(pcall(weir.run))
        t(pcall(weir.run, say, "never"))
      end
      weir.succeed():add_callback(try)
      assert.same({ false, false, false }, t:list())
      weir.Deferred(try):cancel()
      assert.same({ false, false, false, false, false, false }, t:list())
    end)

    it("7.3 inside a run they are errors too, and the outer run goes on", function()
      assert.equal("end", weir.run(function()
        weir.yield()
        t(pcall(weir.run, say, "never"))
        weir.yield()
        return "end"
      end))
      assert.same({ false }, t:list())
    end)
  end)

  describe("a run that cannot finish", function()
    -- The address in tostring(d).
    local function address(d) return assert(tostring(d):match("0x%x+")) end

    it("3.7 raises DeadlockError that names what each live coroutine waits on", function()
      local mine, other = weir.Deferred(), weir.Deferred()
      local co = weir.coroutine(function() weir.await(other) end, "sidekick")()
      local err = h.raised(weir.run, function() weir.await(mine) end)
      assert.equal("DeadlockError", err.name)
      assert.matches("sidekick", err.message, 1, true)
      assert.matches(address(mine), err.message, 1, true)
      assert.matches(address(other), err.message, 1, true)
      assert.matches("^DeadlockError: ", tostring(err))
      co:cancel()
    end)

    it("3.7 raises it when everything ready has run, not before", function()
      local err = h.raised(weir.run, function()
        weir.spawn(function()
          weir.yield()
          weir.yield()
          t "other"
        end)
        t "mine"
        weir.await(weir.Deferred())
      end)
      assert.equal("DeadlockError", err.name)
      assert.same({ "mine", "other" }, t:list())
    end)

    it("3.7 two that await each other cannot finish", function()
      local a, b
      local err = h.raised(weir.run, function()
        a = weir.current()
        b = weir.spawn(function()
          weir.yield()
          weir.await(a)
        end)
        weir.await(b)
      end)
      assert.equal("DeadlockError", err.name)
    end)

    it("3.7 one that holds itself cannot finish", function()
      local co
      local err = h.raised(weir.run, function()
        co = weir.current()
        co:pause()
        weir.yield()
      end)
      assert.equal("DeadlockError", err.name)
      assert.equal("paused", co:status())
      co:cancel()
    end)

    it("3.7 afterwards the loop still works, and what others waited on can still come", function()
      local d = weir.Deferred()
      local co = weir.spawn(function() return weir.await(d) end)
      assert.equal("DeadlockError", h.raised(weir.run, function() weir.await(weir.Deferred()) end).name)
      assert.equal("waiting", co:status())
      assert.equal("fine", weir.run(function()
        d:callback("come")
        weir.yield()
        return "fine"
      end))
      assert.equal("come", co:result())
    end)
  end)

  describe("a loop that asks to be told of work", function()
    local core = require "weir.core".functions
    after_each(function() core.on_work(nil) end)

    it("7.3 is told once, of what is left for it", function()
      core.on_work(sayer "work")
      weir.spawn(sayer "done at once")
      weir.spawn(weir.yield)
      weir.spawn(weir.yield)
      t "told"
      weir.step()
      weir.spawn(weir.yield)
      assert.same({ "done at once", "work", "told" }, t:list())
    end)

    it("7.3 is told again when it has asked again, or when the function failed", function()
      local errors = {}
      weir.on_unhandled(function(err) errors[#errors + 1] = err end)
      core.on_work(function()
        t "fails"
        error("no", 0)
      end)
      weir.spawn(weir.yield)
      weir.spawn(weir.yield)
      core.on_work(sayer "work")
      weir.step()
      weir.spawn(weir.yield)
      assert.same({ "fails", "fails", "work" }, t:list())
      assert.same({ "no", "no" }, errors)
    end)
  end)
end)
