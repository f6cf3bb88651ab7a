-- Contract 9.3 and rules 5, 6 and 8 for Queue. What its two lines share with others is in line.lua.
local weir = require "weir"
local h = require "spec.helper"
local inside = require "weir.busted".it
local line = require "spec.line"
local permits = require "spec.permits"

local MANY = h.scale(2e4)
local NAN, INFINITY = 0 / 0, 1 / 0

local function get(queue) return queue:get() end
local function put(queue) return queue:put("item") end

local function put_all(queue, ...)
  local list = {}
  for i, v in ipairs { ... } do list[i] = queue:put(v) end
  return list
end

local function filled(size, ...)
  local queue = weir.Queue(size)
  put_all(queue, ...)
  return queue
end

local LINES = {
  ["gets"] = { busy = weir.Queue, wait = get, serve = put },
  ["gets of size 0"] = { busy = function() return weir.Queue(0) end, wait = get, serve = put, many = 1e4 },
  ["puts into a full one"] = { busy = function() return filled(2, "a", "b") end, wait = put, serve = get },
  ["puts of size 0"] = { busy = function() return weir.Queue(0) end, wait = put, serve = get, many = 1e4 },
}

for _, name in ipairs { "gets", "gets of size 0", "puts into a full one", "puts of size 0" } do
  describe("Queue: its line of " .. name .. ":", function() line.specs(LINES[name]) end)
end

local function values(list)
  local result = {}
  for i, d in ipairs(list) do result[i] = d:result() end
  return result
end

local function drain(queue)
  local result = {}
  for i = 1, #queue do result[i] = queue:get():result() end
  return result
end

local function error_name(d) return h.raised(d.result, d).name end

local function statuses(list)
  local result = {}
  for i, d in ipairs(list) do result[i] = d:status() end
  return result
end

describe("Queue:", function()
  local clock, t, reports

  before_each(function()
    clock, t = h.manual(), h.trace()
    reports = h.unhandled()
  end)
  after_each(h.restore)

  -- A coroutine that iterates over the queue and writes what it gets.
  local function consumer(queue, name, pause)
    return weir.spawn(function()
      for v in queue:iter() do
        t(name .. " " .. tostring(v))
        if pause then weir.sleep(pause) end
      end
      t(name .. " ends")
    end)
  end

  local function assert_nothing_reported()
    weir.step()
    h.collect()
    weir.step()
    assert.are.same({}, reports)
  end

  describe("items", function()
    it("9.3 come out in the order in which they went in", function()
      local queue = filled(nil, 1, 2, 3)
      assert.are.same({ 1, 2 }, values { queue:get(), queue:get() })
      queue:put(4)
      assert.are.same({ 3, 4 }, values { queue:get(), queue:get() })
    end)

    it("9.3 put succeeds with nothing, get with the item alone", function()
      local queue = weir.Queue(1)
      assert.are.equal(0, select("#", queue:put("v"):result()))
      local waiting = queue:put("w")
      assert.are.same({ "v", n = 1 }, table.pack(queue:get():result()))
      assert.are.equal(0, select("#", waiting:result()))
      assert.are.same({ "w", n = 1 }, table.pack(queue:get():result()))
      local pending = queue:get()
      queue:put("x")
      assert.are.same({ "x", n = 1 }, table.pack(pending:result()))
    end)

    it("9.3 may be anything but nil and Deferreds, false and errors among them; identity is kept", function()
      local list = { false, NAN, {}, h.ignore, coroutine.create(h.ignore), weir.Clock(), io.stdout }
      local queue = filled(nil, table.unpack(list))
      for _, v in ipairs(list) do
        local got = queue:get():result()
        assert.is_true(rawequal(v, got) or v ~= v and got ~= got)
      end
    end)

    it("8.4 nil and Deferreds are argument errors, whatever the state; nothing goes in", function()
      local open, full, closed = weir.Queue(), filled(1, "v"), weir.Queue()
      closed:close()
      for _, queue in ipairs { open, full, closed } do
        for _, wrong in ipairs { weir.Deferred(), weir.succeed(1), weir.spawn(h.ignore) } do
          local err = h.raised(function() queue:put(wrong) end)
          assert.matches("queue_spec%.lua:%d+: bad argument #1 to 'put'", err)
        end
        assert.matches("bad argument #1 to 'put'", h.raised(function() queue:put(nil) end), 1, true)
        assert.matches("bad argument #1 to 'put'", h.raised(function() queue:put() end), 1, true)
      end
      assert.are.same({ 0, 1, 0 }, { #open, #full, #closed })
    end)

    it("9.3 # counts what is in, not who waits", function()
      local queue, seen = weir.Queue(2), {}
      for i = 1, 4 do
        queue:put(i)
        seen[#seen + 1] = #queue
      end
      for _ = 1, 6 do
        queue:get()
        seen[#seen + 1] = #queue
      end
      assert.are.same({ 1, 2, 2, 2, 2, 2, 1, 0, 0, 0 }, seen)
    end)

    it("8.4 the size is nil or an integer from 0 on", function()
      for _, wrong in ipairs { -1, 1.5, NAN, -INFINITY, "many", true, {}, h.ignore } do
        local err = h.raised(function() weir.Queue(wrong) end)
        assert.matches("queue_spec%.lua:%d+: bad argument #1 to 'Queue'", err)
      end
      assert.are.equal("success", weir.Queue(nil):put(1):status())
      assert.are.equal("success", weir.Queue(math.maxinteger):put(1):status())
    end)

    it("8.4 a wrong self is an argument error", function()
      local others = { weir.Lock(), weir.Semaphore(1), weir.Event(), weir.Barrier(1) }
      permits.check_self(filled(nil, 1), { "put", "get", "close", "iter" }, others)
    end)

    it("2.11 tostring names kind, address and state", function()
      local queue = filled(2, 1)
      local one, address = permits.state(queue, "Queue")
      queue:put(2)
      local two, same = permits.state(queue, "Queue")
      queue:close()
      local closed = permits.state(queue, "Queue")
      assert.are.equal(address, same)
      assert.are_not.equal(address, select(2, permits.state(weir.Queue(), "Queue")))
      assert.are_not.equal(one, two)
      assert.are_not.equal(two, closed)
    end)
  end)

  describe("bounds", function()
    it("9.3 without a size no put waits", function()
      local queue = weir.Queue()
      for i = 1, 1000 do assert.are.equal("success", queue:put(i):status()) end
      assert.are.equal(1000, #queue)
    end)

    it("9.3 a put waits when it is full; its item goes in behind those that are in", function()
      local queue = weir.Queue(2)
      local puts = put_all(queue, 1, 2, 3, 4)
      assert.are.same({ "success", "success", "pending", "pending" }, statuses(puts))
      assert.are.equal(1, queue:get():result())
      assert.are.same({ "success", "success", "success", "pending" }, statuses(puts))
      assert.are.same({ 2, 3, 4 }, values { queue:get(), queue:get(), queue:get() })
      assert.are.equal("success", puts[4]:status())
    end)

    it("9.3 a put that comes behind one that waits does not overtake it", function()
      local queue = filled(1, 1)
      put_all(queue, 2, 3)
      line.before_they_run(function()
        t(queue:get():result())
        queue:put(4)
      end)
      assert.are.same({ 1 }, t:list())
      assert.are.same({ 2, 3, 4 }, values { queue:get(), queue:get(), queue:get() })
    end)

    it("9.3 of size 0: a put waits for a get, a get for a put, nothing is ever in", function()
      local queue = weir.Queue(0)
      local puts = put_all(queue, 1, 2)
      assert.are.same({ 0, "pending", "pending" }, { #queue, puts[1]:status(), puts[2]:status() })
      assert.are.equal(1, queue:get():result())
      assert.are.same({ "success", "pending" }, statuses(puts))
      assert.are.equal(2, queue:get():result())
      local getting = queue:get()
      assert.are.equal("success", queue:put(3):status())
      assert.are.equal(3, getting:result())
      assert.are.equal(0, #queue)
    end)

    it("9.3 an item whose put was cancelled or timed out never goes in", function()
      local queue = filled(1, "in")
      local puts = put_all(queue, "cancelled", "late", "limited", "good")
      puts[1]:cancel()
      puts[2]:timeout(1):add_errback(h.ignore)
      line.waiter(t, "limit", puts[3], 1)
      clock:advance(1)
      assert.are.same({ "limit TimeoutError" }, t:list())
      assert.are.same({ "in", "good" }, values { queue:get(), queue:get() })
      assert.are.equal("pending", queue:get():status())
    end)

    it("9.3 a full queue whose only put is held keeps the room; the next put takes it", function()
      local queue = filled(1, 1)
      local held = queue:put(2):pause()
      assert.are.equal(1, queue:get():result())
      assert.are.equal(0, #queue)
      assert.are.equal("success", queue:put(3):status())
      held:unpause()
      assert.are.same({ "pending", 1 }, { held:status(), #queue })
      assert.are.same({ 3, 2 }, values { queue:get(), queue:get() })
    end)

    it("6.1 of size 0: a held put and a held get do not meet until both are free", function()
      local queue = weir.Queue(0)
      local putting, getting = queue:put("v"):pause(), queue:get():pause()
      putting:unpause()
      assert.are.same({ "pending", "pending" }, { putting:status(), getting:status() })
      getting:unpause()
      assert.are.same({ "success", "v" }, { putting:status(), getting:result() })
    end)

    it("9.3 a held get leaves the items to others, in their order", function()
      local queue = weir.Queue(2)
      local held = queue:get():pause()
      put_all(queue, 1, 2)
      local third = queue:put(3)
      assert.are.equal("pending", third:status())
      assert.are.equal(1, queue:get():result())
      assert.are.equal("success", third:status())
      held:unpause()
      assert.are.same({ 2, 3 }, { held:result(), queue:get():result() })
    end)

    it("6.1 a get that is freed makes room for a put that waits", function()
      local queue = weir.Queue(1)
      local held = queue:get():pause()
      local puts = put_all(queue, 1, 2)
      held:unpause()
      assert.are.same({ 1, "success", 1 }, { held:result(), puts[2]:status(), #queue })
    end)

    it("9.3 producer and consumer keep each other's pace", function()
      local queue = weir.Queue(1)
      weir.spawn(function()
        for i = 1, 4 do weir.await(queue:put(i)); t("put " .. i) end
        queue:close()
      end)
      consumer(queue, "got", 1)
      assert.are.same({ "put 1", "got 1", "put 2" }, { table.unpack(t:list(), 1, 3) })
      assert.are.equal(3, #t:list())
      clock:advance(10)
      assert.are.same({ "put 1", "got 1", "put 2", "got 2", "put 3", "got 3", "put 4", "got 4", "got ends" }, t:list())
    end)
  end)

  describe("callbacks", function()
    it("9.3 a get's callback may put, get and cancel", function()
      local queue, list = weir.Queue(), {}
      list[1] = queue:get():add_callback(function(v)
        t(v)
        list[2]:cancel()
        queue:put("second")
        line.told(t, "own", queue:get())
      end)
      for i = 2, 3 do list[i] = line.told(t, i, queue:get()) end
      queue:put("first")
      assert.are.same({ "first", "2 CancelledError", 3 }, t:list())
      queue:put("third")
      assert.are.equal("own", t:list()[4])
    end)

    it("9.3 a put's callback may get and put, and no item overtakes another", function()
      local queue = filled(1, 1)
      queue:put(2):add_callback(function() queue:put(4); t(queue:get():result()) end)
      queue:put(3)
      t(queue:get():result())
      for _ = 1, 2 do t(queue:get():result()) end
      local sorted = table.move(t:list(), 1, 4, 1, {})
      table.sort(sorted)
      assert.are.same({ 1, 2, 3, 4 }, sorted)
      assert.are.equal("pending", queue:get():status())
    end)

    it("5.8 an item that came before the cancel is delivered", function()
      local queue = weir.Queue()
      local co = weir.spawn(function() t(weir.await(queue:get())); weir.sleep(1); t "not here" end)
      line.before_they_run(function() queue:put("v"); t(co:cancel()) end)
      assert.are.same({ true, "v" }, t:list())
      assert.are.equal("cancelled", co:status())
      assert.are.equal(0, #queue)
    end)
  end)

  describe("close", function()
    it("9.3 those who wait to get fail in their order, all with a ClosedError", function()
      local queue = weir.Queue()
      for i = 1, 3 do line.told(t, i, queue:get()):add_errback(h.ignore) end
      queue:close()
      assert.are.same({ "1 ClosedError", "2 ClosedError", "3 ClosedError" }, t:list())
    end)

    it("9.3 those who wait to put fail in their order; what is in stays in", function()
      local queue = filled(1, "in")
      for i = 1, 3 do line.told(t, i, queue:put(i)):add_errback(h.ignore) end
      queue:close()
      assert.are.same({ "1 ClosedError", "2 ClosedError", "3 ClosedError" }, t:list())
      assert.are.same({ "in" }, drain(queue))
    end)

    it("9.3 of size 0: those who wait to put fail, nothing is left to get", function()
      local queue = weir.Queue(0)
      local putting = queue:put(1)
      queue:close()
      assert.are.same({ "ClosedError", "ClosedError" }, { error_name(putting), error_name(queue:get()) })
    end)

    it("8.3 the error has name, message and tostring", function()
      local queue = weir.Queue()
      queue:close()
      local d = queue:get()
      local err = h.raised(d.result, d)
      assert.are.same({ "ClosedError", "string" }, { err.name, type(err.message) })
      assert.are.equal("ClosedError: " .. err.message, tostring(err))
      assert.is_false(weir.is_cancelled(err))
    end)

    it("9.3 get gives what is in, then fails; put fails and puts nothing in", function()
      local queue = filled(3, 1, 2)
      queue:close()
      assert.are.equal("ClosedError", error_name(queue:put(3)))
      assert.are.same({ 1, 2 }, values { queue:get(), queue:get() })
      assert.are.equal("ClosedError", error_name(queue:get()))
      assert.are.equal("ClosedError", error_name(queue:put(4)))
      assert.are.equal(0, #queue)
    end)

    it("9.3 is idempotent", function()
      local queue = filled(1, "v")
      local waiting = queue:put("w")
      waiting:add_errback(function(err) t(err.name) end)
      queue:close()
      queue:close()
      assert.are.same({ "ClosedError" }, t:list())
      assert.are.same({ "v" }, drain(queue))
      queue:close()
      assert.are.equal("ClosedError", error_name(queue:get()))
    end)

    it("9.3 inside the errbacks it is closed already", function()
      local queue = weir.Queue()
      queue:get():add_errback(function()
        t(error_name(queue:put(1)))
        t(error_name(queue:get()))
        queue:close()
      end)
      queue:close()
      assert.are.same({ "ClosedError", "ClosedError" }, t:list())
    end)

    it("5.1 a cancel in an errback of another that waits comes too late", function()
      local queue, list = weir.Queue(), {}
      list[1] = queue:get():add_errback(function() t(list[2]:cancel()) end)
      for i = 2, 3 do list[i] = line.told(t, i, queue:get()) end
      queue:close()
      assert.are.same({ false, "2 ClosedError", "3 ClosedError" }, t:list())
    end)

    it("3.5 all that wait have been told before the first of them runs", function()
      local queue = weir.Queue()
      line.two_and_a_third(t, function() return queue:get() end)
      queue:close()
      assert.are.same({ "first", "second", "third" }, t:list())
    end)

    it("5.8 a coroutine whose item came before the close gets it", function()
      local queue = weir.Queue()
      consumer(queue, "c")
      line.before_they_run(function() queue:put("v"); queue:close() end)
      assert.are.same({ "c v", "c ends" }, t:list())
    end)

    it("6.1 one that is held is told when it is freed", function()
      local queue = weir.Queue(0)
      local held = line.told(t, "get", queue:get()):pause()
      queue:close()
      assert.are.same({}, t:list())
      held:unpause()
      assert.are.same({ "get ClosedError" }, t:list())
      queue = filled(1, "in")
      held = line.told(t, "put", queue:put(2)):pause()
      queue:close()
      held:unpause()
      assert.are.same({ "get ClosedError", "put ClosedError" }, t:list())
    end)

    it("8.1 a put or get that fails because of it and that nobody handles is reported", function()
      local queue = weir.Queue()
      queue:get()
      queue:close()
      queue:put(1)
      weir.step()
      assert.are.same({ "ClosedError", "ClosedError" }, { reports[1].err.name, reports[2].err.name })
      assert.are.equal(2, #reports)
    end)

    it(("2.4 %d that wait are told flat"):format(MANY), function()
      local n = 0
      local function count() n = n + 1 end
      local gets, puts = weir.Queue(), weir.Queue(0)
      for _ = 1, MANY do
        gets:get():add_errback(count)
        puts:put("v"):add_errback(count)
      end
      gets:close()
      puts:close()
      assert.are.equal(2 * MANY, n)
    end)
  end)

  describe("iter", function()
    it("9.3 gives what is in and what comes, and ends when it is closed and empty", function()
      local queue = filled(nil, 1, false)
      local co = consumer(queue, "c")
      assert.are.same({ "c 1", "c false" }, t:list())
      queue:put(3)
      assert.are.same({ "c 1", "c false", "c 3" }, t:list())
      queue:close()
      assert.are.same({ "c 1", "c false", "c 3", "c ends" }, t:list())
      assert.are.equal("success", co:status())
      assert_nothing_reported()
    end)

    it("9.3 of one that is closed already gives what is in", function()
      local queue = filled(nil, 1, 2)
      queue:close()
      consumer(queue, "a")
      consumer(queue, "b")
      assert.are.same({ "a 1", "a 2", "a ends", "b ends" }, t:list())
      assert_nothing_reported()
    end)

    it("9.3 several consumers take turns, each item goes to one, all end", function()
      local queue = weir.Queue()
      for _, name in ipairs { "a", "b", "c" } do consumer(queue, name, 1) end
      for i = 1, 5 do queue:put(i) end
      clock:advance(1)
      queue:close()
      clock:advance(3)
      assert.are.same({ "a 1", "b 2", "c 3", "a 4", "b 5", "c ends", "a ends", "b ends" }, t:list())
      assert_nothing_reported()
    end)

    it("9.3 those that wait at the close all end, in their order", function()
      local queue = weir.Queue()
      for _, name in ipairs { "a", "b", "c" } do consumer(queue, name) end
      queue:close()
      assert.are.same({ "a ends", "b ends", "c ends" }, t:list())
      assert_nothing_reported()
    end)

    it("9.3 makes room for those who wait to put", function()
      local queue = weir.Queue(0)
      local puts = put_all(queue, 1, 2, 3)
      consumer(queue, "c")
      assert.are.same({ "c 1", "c 2", "c 3" }, t:list())
      assert.are.same({ "success", "success", "success" }, statuses(puts))
    end)

    it("9.3 left by a break or an error it takes nothing more", function()
      local queue = filled(nil, 1, 2, 3, 4)
      h.inside(function()
        for v in queue:iter() do if v == 2 then break end end
      end)
      weir.spawn(function()
        for _ in queue:iter() do error("e", 0) end
      end):add_errback(t)
      assert.are.same({ "e" }, t:list())
      assert.are.same({ 4 }, drain(queue))
    end)

    it("5.2 a consumer that is cancelled leaves its place to the others", function()
      local queue = weir.Queue()
      local a = consumer(queue, "a")
      consumer(queue, "b")
      assert.is_true(a:cancel())
      queue:put(1)
      assert.are.same({ "b 1" }, t:list())
      assert.are.equal("cancelled", a:status())
    end)

    it("5.8 one that is cancelled when its item has come gets that and no more", function()
      local queue = weir.Queue()
      local co = consumer(queue, "a")
      line.before_they_run(function() queue:put(1); co:cancel() end)
      assert.are.same({ "a 1" }, t:list())
      assert.are.equal("cancelled", co:status())
      queue:put(2)
      assert.are.equal(1, #queue) -- the wait that was struck left no get behind
    end)

    it("6.1 one that is held is passed over, and has its place when it is freed", function()
      local queue = weir.Queue()
      local a = consumer(queue, "a")
      consumer(queue, "b")
      a:pause()
      queue:put(1)
      a:unpause()
      for i = 2, 3 do queue:put(i) end
      assert.are.same({ "b 1", "a 2", "b 3" }, t:list())
    end)

    it("5.3 a time limit on a consumer ends it, no item is lost", function()
      local queue = weir.Queue()
      local co = consumer(queue, "a"):timeout(1)
      clock:advance(1)
      queue:put(1)
      assert.are.equal("TimeoutError", error_name(co))
      assert.are.same({ 1 }, drain(queue))
    end)

    it("3.6 where nothing can suspend it raises, takes nothing and leaves nobody in the line", function()
      local full, empty = filled(nil, 1), weir.Queue()
      local function iterate(queue)
        for _ in queue:iter() do t "not here" end
      end
      for _, queue in ipairs { full, empty } do
        assert.matches("attempt to await", h.raised(iterate, queue), 1, true)
        weir.succeed():add_callback(function() t(pcall(iterate, queue)) end)
        h.inside(function() table.sort({ 1, 2 }, function() t(pcall(iterate, queue)) end) end)
      end
      empty:put(2)
      assert.are.same({ 1, 1 }, { #full, #empty })
      assert.are.same({ false, false, false, false }, t:list())
    end)

    inside("9.3 the iterator may be called by hand and go to another coroutine", function()
      local queue = filled(nil, 1, 2)
      local nextone = queue:iter()
      assert.are.equal(1, nextone())
      assert.are.equal(2, weir.await(weir.spawn(nextone)))
      queue:close()
      assert.is_nil(nextone())
      assert.is_nil(weir.await(weir.spawn(nextone)))
    end)

    inside("3.6 works in a generator of weir.wrap", function()
      local queue = filled(nil, 1)
      weir.after(1):add_callback(function() queue:put(3); queue:close() end)
      local squares = weir.wrap(function()
        for v in queue:iter() do coroutine.yield(v * v) end
      end)
      for square in squares do t(square) end
      assert.are.same({ 1, 9 }, t:list())
    end)

    it(("2.4 %d items through it, waiting each time, and with all of them there"):format(MANY), function()
      local queue, sum = weir.Queue(1), 0
      local co = weir.spawn(function()
        for v in queue:iter() do sum = sum + v end
      end)
      for i = 1, MANY do queue:put(i) end
      local full = weir.Queue()
      for i = 1, MANY do full:put(i) end
      full:close()
      weir.spawn(function()
        for v in full:iter() do sum = sum + v end
      end)
      queue:close()
      assert.are.equal("success", co:status())
      assert.are.equal(MANY * (MANY + 1), sum)
    end)
  end)

  it("9.3 an item that was taken is not kept", function()
    local queue, weak = weir.Queue(), setmetatable({}, { __mode = "k" })
    local function pass(n)
      for _ = 1, n do
        local item = {}
        weak[item] = true
        queue:put(item)
      end
      for _ = 1, n do queue:get() end
    end
    pass(20)
    assert.is_true(h.released(weak))
    assert.are.equal(0, #queue)
  end)

  it("9.3 an item whose put was cancelled or failed is not kept", function()
    local queue, weak = filled(1, "in"), setmetatable({}, { __mode = "k" })
    local function fail(leave)
      local item = {}
      weak[item] = true
      leave(queue:put(item))
    end
    fail(function(d) d:cancel() end)
    fail(function(d) d:add_errback(h.ignore); queue:close() end)
    assert.is_true(h.released(weak))
    assert.are.equal(1, #queue)
  end)
end)
