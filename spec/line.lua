--- What every line of waiters promises, as specs: for Lock, Semaphore, and both ends of a Queue.
-- A kind is a table of functions: busy() gives an object of which nothing is to be had, wait(o) joins its line,
-- serve(o) makes one thing available. `many` is how many waiters are many.
local busted = require "busted"
local weir = require "weir"
local h = require "spec.helper"

local assert, describe, it = busted.assert, busted.describe, busted.it

local line = {}

--- Writes `name` into the trace when d succeeds, `name` and the error's name when it fails. Returns d.
function line.told(t, name, d)
  return d:add_both(function(ok, ...)
    if ok then t(name); return ... end
    t(name .. " " .. (...).name)
    error((...), 0)
  end)
end

--- A coroutine that waits for d, no longer than `limit`, and writes what comes of it into the trace.
function line.waiter(t, name, d, limit)
  return weir.spawn(function()
    local ok, err = pcall(weir.await, d, limit)
    t(ok and name or name .. " " .. err.name)
    if not ok then error(err, 0) end
  end)
end

--- Two coroutines that wait for wait(), and a third that the first one wakes; they write into the trace.
function line.two_and_a_third(t, wait)
  local gate = weir.Deferred()
  weir.spawn(function() pcall(weir.await, wait()); t "first"; gate:callback() end)
  weir.spawn(function() pcall(weir.await, wait()); t "second" end)
  weir.spawn(function() weir.await(gate); t "third" end)
end

--- A value that calls f when it is closed.
function line.on_close(f)
  return setmetatable({}, { __close = f })
end

--- Runs f inside a coroutine: what it wakes is only queued until f has returned.
function line.before_they_run(f)
  weir.spawn(f):result()
end

--- f(...) with calls from the host only queueing.
function line.queueing(f, ...)
  local old = weir.inline(false)
  local ok, err = pcall(f, ...)
  weir.inline(old)
  if not ok then error(err, 0) end
end

local told, waiter = line.told, line.waiter

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local function is_set(mask, i) return mask >> (i - 1) & 1 == 1 end

local function joined(list) return table.concat(list, " ") end

local function weak_table() return setmetatable({}, { __mode = "k" }) end

--- The specs of one kind that are about garbage: also for what serves all that wait at once.
function line.garbage(kind)
  local clock, t, o

  busted.before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
    o = kind.busy()
  end)
  busted.after_each(h.restore)

  it("9.3 nothing is kept of those who were served or have left", function()
    local weak = weak_table()
    local function come_and_go(leave)
      for _ = 1, 20 do
        local d = kind.wait(o)
        weak[d] = true
        leave(d)
      end
    end
    come_and_go(function() kind.serve(o) end)
    come_and_go(function(d) d:cancel() end)
    come_and_go(function(d) d:timeout(1):add_errback(h.ignore) end)
    clock:advance(1)
    assert.is_true(h.released(weak))
    line.told(t, "alive", kind.wait(o))
    kind.serve(o)
    assert.are.same({ "alive" }, t:list())
  end)

  it("9.3 a waiter that nobody else knows is kept and served", function()
    line.waiter(t, 1, kind.wait(o))
    h.collect()
    weir.step()
    kind.serve(o)
    assert.are.same({ 1 }, t:list())
  end)

  it("3.8 its waiters are collected with it, their cleanup runs", function()
    local weak = weak_table()
    local function abandon()
      local lost = kind.busy()
      local co = weir.spawn(function()
        local _ <close> = line.on_close(function(_, err) t(err.reason) end)
        weir.await(kind.wait(lost))
      end)
      weak[lost], weak[co] = true, true
    end
    abandon()
    h.collect()
    weir.step()
    assert.are.same({ "collected" }, t:list())
    assert.is_true(h.released(weak))
  end)
end

--- The specs of one kind.
function line.specs(kind)
  local clock, t, o
  local many = h.scale(kind.many or 2e4)

  busted.before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
    o = kind.busy()
  end)
  busted.after_each(h.restore)

  local function wait() return kind.wait(o) end
  local function serve() kind.serve(o) end

  local function serve_times(n)
    for _ = 1, n do kind.serve(o) end
  end

  local function fill(n)
    local list = {}
    for i = 1, n do list[i] = told(t, i, wait()) end
    return list
  end

  local function count_up(n)
    local list, count = {}, { n = 0 }
    local function up(...) count.n = count.n + 1; return ... end
    for i = 1, n do list[i] = wait():add_callback(up) end
    return list, count
  end

  -- One thing is there, nobody has it and nobody waits before a new one.
  local function assert_one_is_left()
    assert.are.equal("success", wait():status())
    assert.are.equal("pending", wait():status())
  end

  describe("order", function()
    it("9.3 is first in, first out; each is told at once, with nothing left over", function()
      local list = fill(4)
      for i = 1, 4 do
        assert.are.equal("pending", list[i]:status())
        serve()
        assert.are.equal("success", list[i]:status())
        assert.are.same(numbers(i), t:list())
      end
    end)

    it("9.3 is that of those who are left, when many have left between them", function()
      local list, left = {}, {}
      for i = 1, 500 do
        local d = told(t, i, wait())
        if i % 50 == 0 then list[#list + 1] = i else d:add_errback(h.ignore):cancel() end
      end
      t.log = left
      serve_times(#list)
      assert.are.same(list, left)
    end)

    it("9.3 one that comes when something is there need not wait", function()
      serve()
      assert.are.equal("success", wait():status())
      assert.are.equal("pending", wait():status())
    end)

    it("9.3 nobody comes in between: what was served is gone before its coroutine runs", function()
      waiter(t, 1, wait())
      line.before_they_run(function()
        serve()
        t(wait():status())
      end)
      assert.are.same({ "pending", 1 }, t:list())
    end)

    it("3.5 coroutines run in the order in which they were served", function()
      for i = 1, 3 do waiter(t, i, wait()) end
      line.before_they_run(function() serve_times(3); t "served" end)
      assert.are.same({ "served", 1, 2, 3 }, t:list())
    end)

    it("2.2 one that somebody else fires has left the line", function()
      local list = fill(3)
      list[1]:errback(setmetatable({ name = "Mine" }, {}))
      list[2]:callback("by hand")
      serve()
      assert.are.same({ "1 Mine", 2, 3 }, t:list())
      list[1]:add_errback(h.ignore)
      assert.are.equal("by hand", list[2]:result())
    end)

    it("9.3 one that waits again in its callback goes to the end", function()
      wait():add_callback(function() t(1); told(t, "again", wait()) end)
      told(t, 2, wait())
      serve_times(3)
      assert.are.same({ 1, 2, "again" }, t:list())
    end)
  end)

  describe("cancel", function()
    -- Of four waiters those of whom bit i - 1 is set leave, in the order from, to, step; the others are served.
    local function leave_and_serve(mask, from, to, step)
      local list, expected = fill(4), {}
      for i = from, to, step do
        if is_set(mask, i) then
          assert.is_true(list[i]:cancel())
          expected[#expected + 1] = i .. " CancelledError"
        end
      end
      for i = 1, 4 do
        if not is_set(mask, i) then serve(); expected[#expected + 1] = i end
      end
      return expected
    end

    it("9.3 whoever leaves, front, middle or end, the others keep their order and lose nothing", function()
      for mask = 0, 15 do
        for _, way in ipairs { { 1, 4, 1 }, { 4, 1, -1 } } do
          t, o = h.trace(), kind.busy()
          assert.are.same(leave_and_serve(mask, table.unpack(way)), t:list())
          assert.are.equal("pending", wait():status())
        end
      end
    end)

    it("9.3 one that has left takes nothing", function()
      local d = wait()
      assert.is_true(d:cancel("why"))
      assert.are.equal("cancelled", d:status())
      assert.are.equal("why", h.raised(d.result, d).reason)
      assert.is_false(d:cancel())
      serve()
      assert_one_is_left()
    end)

    it("5.1 one that was served cannot be cancelled", function()
      local d = wait()
      serve()
      assert.is_false(d:cancel())
      assert.are.equal("success", d:status())
    end)

    it("5.2 of the coroutine that waits, or of one that waits for it, leaves the line", function()
      local inner = waiter(t, "inner", wait())
      local outer = weir.spawn(weir.await, waiter(t, "below outer", wait()))
      told(t, 3, wait())
      assert.is_true(outer:cancel())
      assert.is_true(inner:cancel())
      serve()
      assert.are.same({ "below outer CancelledError", "inner CancelledError", 3 }, t:list())
    end)

    it("5.2 of one that adopted it, or has it chained into it, leaves the line", function()
      local adopting, target, d = weir.succeed(), weir.Deferred(), wait()
      adopting:add_callback(wait)
      d:chain(target)
      assert.is_true(adopting:cancel())
      assert.is_true(target:cancel())
      serve()
      assert_one_is_left()
    end)

    it("5.3 one that others wait for too stays in the line", function()
      local d = wait()
      local one, two = waiter(t, "one", d), waiter(t, "two", d)
      one:cancel()
      serve()
      assert.are.same({ "one CancelledError", "two" }, t:list())
      assert.are.equal("success", two:status())
    end)

    it("5.3 behind a shield it stays in the line", function()
      local d = wait()
      assert.is_true(weir.shield(d):cancel())
      serve()
      assert.are.equal("success", d:status())
    end)

    it("5.7 a coroutine that is closed leaves the line", function()
      local co = waiter(t, 1, wait())
      assert.is_true(co:close())
      serve()
      assert_one_is_left()
      assert.are.same({}, t:list())
    end)

    -- Served, then cancelled before it runs. It waits once more.
    local function served_and_cancelled()
      local co = weir.spawn(function()
        t("served " .. tostring(pcall(weir.await, wait())))
        t("next " .. tostring(pcall(weir.sleep, 1)))
      end)
      told(t, "behind", wait())
      return function() serve(); t(co:cancel()) end, co
    end

    it("5.8 behind the serve: what came is delivered, the next wait is struck", function()
      local strike, co = served_and_cancelled()
      line.before_they_run(strike)
      assert.are.same({ true, "served true", "next false" }, t:list())
      assert.are.equal("cancelled", co:status())
      serve()
      assert.are.equal("behind", t:list()[4])
    end)

    it("5.8 the same in a callback, and from a host that only queues", function()
      local first = served_and_cancelled()
      weir.succeed():add_callback(first)
      assert.are.same({ true, "served true", "next false" }, t:list())
      t, o = h.trace(), kind.busy()
      line.queueing((served_and_cancelled()))
      weir.step()
      assert.are.same({ true, "served true", "next false" }, t:list())
    end)

    it("5.8 before the serve: it has left, the next one is served", function()
      local co = waiter(t, 1, wait())
      told(t, 2, wait())
      line.before_they_run(function() t(co:cancel()); serve() end)
      assert.are.same({ true, 2, "1 CancelledError" }, t:list())
    end)

    it("5.8 a wait that a cancel strikes before it began leaves nobody in the line", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function() weir.await(gate); weir.await(wait()) end)
      line.before_they_run(function() gate:callback(); co:cancel() end)
      assert.are.equal("cancelled", co:status())
      serve()
      assert_one_is_left()
    end)

    it("5.5 the cleanup of a cancelled waiter may wait in the line again, at its end", function()
      local co = weir.spawn(function()
        local _ <close> = line.on_close(function() weir.await(wait()); t "cleanup" end)
        weir.await(wait())
      end)
      told(t, 2, wait())
      co:cancel()
      serve_times(2)
      assert.are.same({ 2, "cleanup" }, t:list())
      assert.are.equal("cancelled", co:status())
    end)

    it("9.3 in a callback of the one before: the one behind is served", function()
      local list = {}
      wait():add_callback(function() t(1); list[2]:cancel(); list[3]:cancel(); serve() end)
      for i = 2, 4 do list[i] = told(t, i, wait()) end
      serve()
      assert.are.same({ 1, "2 CancelledError", "3 CancelledError", 4 }, t:list())
    end)

    it("9.3 in an errback of another that is cancelled: both have left", function()
      local list = fill(3)
      list[1]:add_errback(function() list[2]:cancel() end)
      list[1]:cancel()
      serve()
      assert.are.same({ "1 CancelledError", "2 CancelledError", 3 }, t:list())
    end)

    it("9.3 an errback of one that is cancelled may serve the others", function()
      local list = fill(3)
      list[2]:add_errback(function() serve_times(2) end)
      list[2]:cancel()
      assert.are.same({ "2 CancelledError", 1, 3 }, t:list())
    end)
  end)

  describe("time", function()
    it("3.3 a limit that passes leaves the line", function()
      waiter(t, 1, wait(), 1)
      waiter(t, 2, wait(), 3)
      clock:advance(2)
      serve()
      clock:advance(2)
      assert.are.same({ "1 TimeoutError", 2 }, t:list())
    end)

    it("2.7 so does a timeout", function()
      local d = told(t, 1, wait()):timeout(1)
      told(t, 2, wait())
      clock:advance(1)
      serve()
      assert.are.same({ "1 TimeoutError", 2 }, t:list())
      assert.are.equal("TimeoutError", h.raised(d.result, d).name)
    end)

    it("3.3 at the instant of the serve the one armed first wins, and nothing is lost", function()
      waiter(t, 1, wait(), 1)
      clock:after(1):add_callback(serve)
      waiter(t, 2, wait(), 1)
      clock:advance(1)
      assert.are.same({ "1 TimeoutError", 2 }, t:list())
      serve()
      assert_one_is_left()
    end)

    it("2.7 the same for timeouts", function()
      local first = wait():timeout(1)
      clock:after(1):add_callback(serve)
      local second = wait():timeout(1)
      clock:advance(1)
      assert.are.equal("TimeoutError", h.raised(first.result, first).name)
      assert.are.equal("success", second:status())
      serve()
      assert_one_is_left()
    end)

    it("3.3 a limit that passes between the serve and the run changes nothing", function()
      local co = waiter(t, 1, wait(), 1)
      line.queueing(function() serve(); clock:advance(1) end)
      weir.step()
      assert.are.same({ 1 }, t:list())
      assert.are.equal("success", co:status())
    end)

    it("3.3 nor does one that passes while it is held in a callback: what came is kept, as 6.1 says", function()
      local d, co = wait(), nil
      d:add_callback(function(...) co:pause(); return ... end)
      co = waiter(t, 1, d, 1)
      serve()
      clock:advance(1)
      assert.are.same({}, t:list())
      co:unpause()
      assert.are.same({ 1 }, t:list())
    end)

    it("3.3 a limit of 0 leaves at the next advance", function()
      waiter(t, 1, wait(), 0)
      clock:advance(0)
      serve()
      assert.are.same({ "1 TimeoutError" }, t:list())
      assert_one_is_left()
    end)
  end)

  describe("pause", function()
    it("6.1 one that is held is passed over and keeps its place", function()
      local list = fill(4)
      list[1]:pause()
      list[3]:pause()
      serve()
      list[3]:unpause()
      list[1]:unpause()
      serve_times(3)
      assert.are.same({ 2, 1, 3, 4 }, t:list())
    end)

    it("6.1 so is one whose coroutine, or one above that, is held", function()
      local inner = waiter(t, "inner", wait())
      local outer = weir.spawn(weir.await, waiter(t, "below outer", wait()))
      told(t, 3, wait())
      inner:pause()
      outer:pause()
      serve()
      outer:unpause()
      inner:unpause()
      serve_times(2)
      assert.are.same({ 3, "inner", "below outer" }, t:list())
    end)

    it("6.1 so is one whose coroutine paused itself before it waits", function()
      local co = weir.spawn(function()
        weir.current():pause()
        weir.await(wait())
        t "self"
      end)
      told(t, 2, wait())
      serve()
      co:unpause()
      serve()
      assert.are.same({ 2, "self" }, t:list())
    end)

    it("6.1 when all are held the thing stays there; the one that is freed first gets it", function()
      local list = fill(3)
      for _, d in ipairs(list) do d:pause() end
      serve()
      assert.are.same({}, t:list())
      list[2]:unpause()
      list[1]:unpause()
      list[3]:unpause()
      assert.are.same({ 2 }, t:list())
      serve_times(2)
      assert.are.same({ 2, 1, 3 }, t:list())
    end)

    it("6.1 one that comes meanwhile gets it; the held one is still before those who wait", function()
      local held = fill(1)[1]:pause()
      serve()
      assert.are.equal("success", wait():status())
      told(t, 2, wait())
      held:unpause()
      serve_times(2)
      assert.are.same({ 1, 2 }, t:list())
    end)

    it("6.1 is counted", function()
      local d = fill(1)[1]
      d:pause()
      d:pause()
      serve()
      d:unpause()
      assert.are.same({}, t:list())
      d:unpause()
      assert.are.same({ 1 }, t:list())
    end)

    it("6.3 one that somebody free waits for too is served", function()
      local d = wait()
      local held = waiter(t, "held", d)
      waiter(t, "free", d)
      held:pause()
      serve()
      assert.are.same({ "free" }, t:list())
      held:unpause()
      assert.are.same({ "free", "held" }, t:list())
    end)

    it("6.3 when the last free one leaves it is held, when a free one comes it is served", function()
      local d = wait()
      local held, free = waiter(t, "held", d), waiter(t, "free", d)
      held:pause()
      free:cancel()
      serve()
      assert.are.equal("pending", d:status())
      waiter(t, "new", d)
      assert.are.same({ "free CancelledError", "new" }, t:list())
      assert.are.equal("success", d:status())
    end)

    it("6.1 behind the serve it keeps what came", function()
      local co = waiter(t, 1, wait())
      line.before_they_run(function() serve(); co:pause() end)
      assert.are.same({}, t:list())
      assert.are.equal("pending", wait():status())
      co:unpause()
      assert.are.same({ 1 }, t:list())
    end)

    it("6.1 in a callback of the one before", function()
      local list = {}
      wait():add_callback(function() t(1); list[2]:pause(); serve() end)
      for i = 2, 3 do list[i] = told(t, i, wait()) end
      serve()
      assert.are.same({ 1, 3 }, t:list())
      list[2]:unpause()
      serve()
      assert.are.same({ 1, 3, 2 }, t:list())
    end)

    it("6.1 a callback of one that is freed may free and serve the next", function()
      local list = {}
      list[1] = wait():add_callback(function() t(1); list[2]:unpause(); serve() end)
      list[2] = told(t, 2, wait())
      list[1]:pause()
      list[2]:pause()
      serve()
      list[1]:unpause()
      assert.are.same({ 1, 2 }, t:list())
    end)

    -- The thing is there, the only one in the line is held.
    local function held_beside_it(limit)
      local co = waiter(t, 1, wait(), limit)
      co:pause()
      serve()
      return co
    end

    it("9.3 a held one that is cancelled takes nothing", function()
      local d = told(t, 1, wait()):pause()
      serve()
      assert.is_true(d:cancel())
      assert.are.same({ "1 CancelledError" }, t:list())
      assert_one_is_left()
    end)

    it("9.3 nor does one whose coroutine is cancelled", function()
      assert.is_true(held_beside_it():cancel())
      assert.are.same({ "1 CancelledError" }, t:list())
      assert_one_is_left()
    end)

    it("9.3 nor does one whose limit or timeout passes", function()
      local co = held_beside_it(1)
      clock:advance(1)
      assert_one_is_left()
      co:unpause()
      assert.are.same({ "1 TimeoutError" }, t:list())
      o = kind.busy()
      local d = wait():timeout(1):pause()
      serve()
      clock:advance(1)
      d:unpause()
      assert.are.equal("TimeoutError", h.raised(d.result, d).name)
      assert_one_is_left()
    end)

    it("5.7 nor does one whose coroutine is closed", function()
      assert.is_true(held_beside_it():close())
      assert_one_is_left()
    end)

    it("6.1 a held one that is cancelled leaves the others alone", function()
      local list = fill(3)
      list[1]:pause()
      list[2]:pause()
      list[1]:cancel()
      serve()
      list[2]:unpause()
      serve()
      assert.are.same({ "1 CancelledError", 3, 2 }, t:list())
    end)
  end)

  describe("parts", function()
    it("9.1 a race that something else wins leaves the line", function()
      local race = weir.race { wait(), clock:after(1, "late") }
      told(t, 2, wait())
      clock:advance(1)
      assert.are.equal("late", race:result())
      serve()
      assert.are.same({ 2 }, t:list())
    end)

    it("9.1 weir.all that is cancelled takes all its parts out of the line", function()
      local all = weir.all { wait(), wait() }
      told(t, 3, wait())
      assert.is_true(all:cancel())
      serve()
      assert.are.same({ 3 }, t:list())
    end)

    it("9.1 weir.all that is paused holds its parts", function()
      local all = weir.all { wait(), wait() }
      told(t, 3, wait())
      all:pause()
      serve()
      all:unpause()
      serve_times(2)
      assert.are.same({ 3 }, t:list())
      assert.are.equal("success", all:status())
    end)

    it("9.2 a scope that is cancelled takes its children out of the line", function()
      local scope = weir.scope(function(inner)
        for _ = 1, 2 do inner:spawn(function() weir.await(wait()) end) end
      end)
      told(t, 3, wait())
      assert.is_true(scope:cancel())
      serve()
      assert.are.same({ 3 }, t:list())
    end)
  end)

  describe("depth", function()
    it(("2.4 %d waiters are served in order"):format(many), function()
      fill(many)
      serve_times(many)
      assert.are.equal(joined(numbers(many)), joined(t:list()))
    end)

    it(("2.4 %d leave, from the front or from the back"):format(many), function()
      for _, way in ipairs { { 1, many, 1 }, { many, 1, -1 } } do
        o = kind.busy()
        local list, count = count_up(many + 1)
        for i = way[1], way[2], way[3] do list[i]:cancel() end
        serve_times(2)
        assert.are.equal(1, count.n)
        assert_one_is_left()
      end
    end)

    it(("2.4 %d handovers, each in the callback of the one before"):format(many), function()
      for i = 1, many do wait():add_callback(function() t(i); serve() end) end
      serve()
      assert.are.equal(joined(numbers(many)), joined(t:list()))
      assert_one_is_left()
    end)

    it(("2.4 %d waits, each begun and served in the callback of the one before"):format(many), function()
      local n = 0
      local function again()
        n = n + 1
        if n == many then return end
        wait():add_callback(again)
        serve()
      end
      wait():add_callback(again)
      serve()
      assert.are.equal(many, n)
    end)

    it(("2.4 %d coroutines, each serving the next"):format(many), function()
      for i = 1, many do weir.spawn(function() weir.await(wait()); t(i); serve() end) end
      serve()
      assert.are.equal(joined(numbers(many)), joined(t:list()))
    end)

    it(("2.4 the first one's callback cancels %d others"):format(many), function()
      local list
      wait():add_callback(function()
        for i = 1, #list do list[i]:cancel() end
      end)
      list = count_up(many)
      serve_times(2)
      assert.are.equal("cancelled", list[many]:status())
      assert_one_is_left()
    end)

    it(("2.4 %d that are held are passed over, and served when they are freed"):format(many), function()
      local list, count = count_up(many)
      for _, d in ipairs(list) do d:pause() end
      for i = 1, 3 do told(t, i, wait()) end
      serve_times(3)
      assert.are.same(numbers(3), t:list())
      for _, d in ipairs(list) do d:unpause() end
      assert.are.equal(0, count.n)
      serve_times(many)
      assert.are.equal(many, count.n)
    end)
  end)

  describe("garbage", function() line.garbage(kind) end)
end

return line
