-- Contract 9.3 beside Twisted's DeferredLock, DeferredSemaphore, DeferredQueue and its lock with a time limit.
local weir = require "weir"
local h = require "spec.helper"

local function failure(d) return h.raised(d.result, d) end

-- Notes who was served, or the name of the error that he got instead.
local function note(t, who, d)
  return d:add_both(function(ok, err)
    t(ok and who or who .. " " .. err.name)
  end)
end

-- Queues up for a lock or semaphore, once for each name.
local function line_up(t, lock, ...)
  for _, who in ipairs { ... } do note(t, who, lock:acquire()) end
end

local function get_into(t, queue, n)
  for _ = 1, n do queue:get():add_callback(t) end
end

-- The list first, first + 1, ... last.
local function numbers(first, last)
  local list = {}
  for i = first, last do list[#list + 1] = i end
  return list
end

-- What is said of a lock holds for a semaphore of one.
local function each_lock(f)
  f(weir.Lock())
  f(weir.Semaphore(1))
end

describe("twisted: a lock, or a semaphore of one", function()
  before_each(function() h.manual(); h.unhandled() end)
  after_each(h.restore)

  it("9.3 is had at once when free, else in line; a release passes it on", function()
    each_lock(function(lock)
      local t = h.trace()
      line_up(t, lock, "first", "second", "third")
      assert.are.same({ "first" }, t:list())
      lock:release()
      assert.are.same({ "first", "second" }, t:list())
      lock:release()
      lock:release()
      line_up(t, lock, "fourth")
      assert.are.same({ "first", "second", "third", "fourth" }, t:list())
    end)
  end)

  it("9.3 acquire gives the lock itself", function()
    each_lock(function(lock)
      local free, waiting = lock:acquire(), lock:acquire()
      lock:release()
      assert.are.same({ true, true }, { rawequal(lock, free:result()), rawequal(lock, waiting:result()) })
    end)
  end)

  it("9.3 a release too many raises, and lets in no second one", function()
    each_lock(function(lock)
      local t = h.trace()
      assert.is_false((pcall(lock.release, lock)))
      line_up(t, lock, "first", "second")
      assert.are.same({ "first" }, t:list())
    end)
  end)

  it("9.3 cancel of an acquire that has it: false, and it is held as before", function()
    each_lock(function(lock)
      local t, d = h.trace(), lock:acquire()
      assert.is_false(d:cancel())
      line_up(t, lock, "next")
      assert.are.equal("success", d:status())
      assert.are.same({}, t:list())
      lock:release()
      assert.are.same({ "next" }, t:list())
    end)
  end)

  it("9.3 cancel of an acquire in line: a cancel error, and those behind it move up", function()
    each_lock(function(lock)
      local t = h.trace()
      line_up(t, lock, "holder", "first")
      local d = lock:acquire()
      line_up(t, lock, "last")
      assert.is_true(d:cancel("why"))
      assert.are.same({ "cancelled", "why" }, { d:status(), failure(d).reason })
      lock:release()
      lock:release()
      assert.are.same({ "holder", "first", "last" }, t:list())
    end)
  end)

  it("9.3 one that was cancelled in line is released while others hold it and wait", function()
    each_lock(function(lock)
      local weak = setmetatable({}, { __mode = "k" })
      line_up(h.trace(), lock, "holder", "first")
      local function come_and_go()
        local d = lock:acquire()
        weak[d] = true
        d:cancel()
      end
      come_and_go()
      assert.is_true(h.released(weak))
      lock:release()
    end)
  end)

  it("9.3 cancel of all that wait leaves it free after the release", function()
    each_lock(function(lock)
      local t = h.trace()
      lock:acquire()
      lock:acquire():cancel()
      lock:release()
      line_up(t, lock, "next")
      assert.are.same({ "next" }, t:list())
    end)
  end)
end)

describe("twisted: run of a lock or semaphore", function()
  before_each(function() h.manual(); h.unhandled() end)
  after_each(h.restore)

  it("9.3 needs something to call, else an argument error, nothing taken", function()
    each_lock(function(lock)
      local t = h.trace()
      assert.matches("bad argument #1 to 'run'", h.raised(function() lock:run() end), 1, true)
      line_up(t, lock, "next")
      assert.are.same({ "next" }, t:list())
    end)
  end)

  it("9.3 calls f with its arguments and has its values, whatever kind of function it is", function()
    each_lock(function(lock)
      local function double(a, b) return b, a end
      for _, f in ipairs { double, weir.coroutine(double), function(...) return weir.succeed(double(...)) end } do
        assert.are.same({ nil, 1, n = 2 }, table.pack(lock:run(f, 1, nil):result()))
      end
    end)
  end)

  it("9.3 holds it until f has ended, also while f awaits or its Deferred is pending", function()
    local function give_back(gate) return gate end
    for _, f in ipairs { weir.await, give_back } do
      each_lock(function(lock)
        local t, gate = h.trace(), weir.Deferred()
        local d = lock:run(f, gate)
        d:add_callback(t)
        line_up(t, lock, "next")
        assert.are.same({}, t:list())
        gate:callback("done")
        assert.are.same({ "next", "done" }, t:list())
      end)
    end
  end)

  it("9.3 waits in line before f is called", function()
    each_lock(function(lock)
      local t = h.trace()
      line_up(t, lock, "holder")
      lock:run(t, "called")
      assert.are.same({ "holder" }, t:list())
      lock:release()
      line_up(t, lock, "next")
      assert.are.same({ "holder", "called", "next" }, t:list())
    end)
  end)
end)

describe("twisted: a semaphore", function()
  local N = 13
  before_each(function() h.manual(); h.unhandled() end)
  after_each(h.restore)

  it("9.3 admits n at once, then one for each release, in the order they came", function()
    local t, sem = h.trace(), weir.Semaphore(N)
    for i = 1, N + 2 do note(t, i, sem:acquire()) end
    assert.are.same(numbers(1, N), t:list())
    sem:release()
    assert.are.same(numbers(1, N + 1), t:list())
    sem:release()
    assert.are.same(numbers(1, N + 2), t:list())
  end)

  it("9.3 one that was cancelled in line is passed over, no permit is lost", function()
    local t, sem = h.trace(), weir.Semaphore(N)
    for i = 1, N do note(t, i, sem:acquire()) end
    local d = sem:acquire()
    note(t, N + 1, sem:acquire())
    d:cancel()
    assert.are.same({ "cancelled", N }, { d:status(), #t:list() })
    sem:release()
    assert.are.same(numbers(1, N + 1), t:list())
  end)

  it("9.3 takes n releases, then one too many raises and adds no permit", function()
    local t, sem = h.trace(), weir.Semaphore(N)
    for i = 1, N do note(t, i, sem:acquire()) end
    for _ = 1, N do sem:release() end
    assert.is_false((pcall(sem.release, sem)))
    for i = N + 1, 2 * N + 1 do note(t, i, sem:acquire()) end
    assert.are.same(numbers(1, 2 * N), t:list())
  end)

  it("9.3 run uses one permit for the time of the call", function()
    local t, sem, gate = h.trace(), weir.Semaphore(2), weir.Deferred()
    local d = sem:run(weir.await, gate)
    line_up(t, sem, "second", "third")
    assert.are.same({ "second" }, t:list())
    gate:callback()
    assert.are.same({ "second", "third" }, t:list())
    assert.are.equal(0, select("#", d:result()))
  end)

  it("9.3 less than one permit, or no integer, is an argument error", function()
    for _, bad in ipairs { 0, -1, 1.5, "many", {}, math.huge } do
      local err = h.raised(function() weir.Semaphore(bad) end)
      assert.matches("bad argument #1 to 'Semaphore'", err, 1, true)
    end
    assert.matches("bad argument #1 to 'Semaphore'", h.raised(function() weir.Semaphore() end), 1, true)
  end)
end)

describe("twisted: a queue", function()
  before_each(function() h.manual(); h.unhandled() end)
  after_each(h.restore)

  it("9.3 hands each item to the get that came first", function()
    local t, queue = h.trace(), weir.Queue()
    get_into(t, queue, 2)
    for i = 1, 2 do
      assert.are.equal("success", queue:put(i):status())
      assert.are.same(numbers(1, i), t:list())
    end
  end)

  it("9.3 keeps items that nobody waits for, in order", function()
    local t, queue = h.trace(), weir.Queue()
    for i = 1, 3 do queue:put(i) end
    assert.are.equal(3, #queue)
    get_into(t, queue, 3)
    assert.are.same({ 1, 2, 3 }, t:list())
    assert.are.equal(0, #queue)
  end)

  it("9.3 has room for `size` items beyond those that were waited for", function()
    local t, queue = h.trace(), weir.Queue(2)
    get_into(t, queue, 2)
    local puts = {}
    for i = 1, 5 do puts[i] = queue:put(i):status() end
    assert.are.same({ "success", "success", "success", "success", "pending" }, puts)
    assert.are.same({ 1, 2 }, t:list())
    get_into(t, queue, 2)
    assert.are.same({ 1, 2, 3, 4 }, t:list())
  end)

  it("9.3 a put into a full one waits for room, no error", function()
    local t, queue = h.trace(), weir.Queue(1)
    queue:put("a")
    note(t, "b is in", queue:put("b"))
    note(t, "c is in", queue:put("c"))
    assert.are.same({}, t:list())
    assert.are.equal("a", queue:get():result())
    assert.are.same({ "b is in" }, t:list())
    assert.are.equal("b", queue:get():result())
    assert.are.same({ "b is in", "c is in" }, t:list())
  end)

  it("9.3 of size 0: a put waits until a get takes it over", function()
    local t, queue = h.trace(), weir.Queue(0)
    note(t, "taken", queue:put("a"))
    assert.are.same({}, t:list())
    assert.are.equal("a", queue:get():result())
    assert.are.same({ "taken" }, t:list())
    get_into(t, queue, 1)
    assert.are.equal("success", queue:put("b"):status())
    assert.are.same({ "taken", "b" }, t:list())
  end)

  it("9.3 any number of gets may wait", function()
    local t, queue = h.trace(), weir.Queue()
    get_into(t, queue, 1000)
    for i = 1, 1000 do queue:put(i) end
    assert.are.same(numbers(1, 1000), t:list())
  end)

  it("9.3 cancel of a get that has its item: false, the item is its result", function()
    local queue = weir.Queue()
    local waited = queue:get()
    queue:put("a")
    queue:put("b")
    local immediate = queue:get()
    assert.are.same({ false, false }, { waited:cancel(), immediate:cancel() })
    assert.are.same({ "a", "b" }, { waited:result(), immediate:result() })
  end)

  it("9.3 cancel of a get that waits: a cancel error, and the next item is for the next get", function()
    local t, queue = h.trace(), weir.Queue()
    local d = queue:get()
    get_into(t, queue, 1)
    assert.is_true(d:cancel())
    assert.are.equal("cancelled", d:status())
    queue:put("a")
    assert.are.same({ "a" }, t:list())
  end)

  it("9.3 the errback of a cancelled get may put and get again", function()
    local queue = weir.Queue()
    local d = queue:get():add_errback(function()
      queue:put("a")
      return queue:get()
    end)
    d:cancel()
    assert.are.equal("a", d:result())
  end)
end)

describe("twisted: a lock with a time limit", function()
  local clock
  before_each(function() clock = h.manual(); h.unhandled() end)
  after_each(h.restore)

  it("9.3 is had at once when free, and no timer is left", function()
    local lock = weir.Lock()
    local d = lock:acquire():timeout(1)
    assert.are.equal("success", d:status())
    assert.is_nil(weir.step())
  end)

  it("9.3 held too long: a TimeoutError at the limit, and the place in line is given up", function()
    local t, lock = h.trace(), weir.Lock()
    line_up(t, lock, "holder")
    note(t, "late", lock:acquire():timeout(5.5))
    line_up(t, lock, "patient")
    clock:advance(5)
    assert.are.same({ "holder" }, t:list())
    clock:advance(0.5)
    assert.are.same({ "holder", "late TimeoutError" }, t:list())
    lock:release()
    assert.are.same({ "holder", "late TimeoutError", "patient" }, t:list())
  end)

  it("9.3 released in time: it is had then, and keeps being had behind the limit", function()
    local t, lock = h.trace(), weir.Lock()
    line_up(t, lock, "holder")
    clock:after(1):add_callback(function() lock:release() end)
    local d = lock:acquire():timeout(10)
    clock:advance(1)
    assert.are.equal("success", d:status())
    assert.is_nil(weir.step())
    clock:advance(10)
    line_up(t, lock, "next")
    assert.are.same({ "holder" }, t:list())
  end)

  it("9.3 several may wait for the same one, each is served", function()
    local t, lock = h.trace(), weir.Lock()
    line_up(t, lock, "holder", "first", "second")
    clock:after(1):add_callback(function() lock:release() end)
    clock:after(2):add_callback(function() lock:release() end)
    clock:advance(1)
    assert.are.same({ "holder", "first" }, t:list())
    clock:advance(1)
    assert.are.same({ "holder", "first", "second" }, t:list())
  end)

  it("9.3 may be released and acquired again in the callback of its acquire", function()
    local t, lock = h.trace(), weir.Lock()
    line_up(t, lock, "holder")
    local d = lock:acquire():add_callback(function()
      lock:release()
      return lock:acquire()
    end)
    note(t, "again", d)
    clock:after(1):add_callback(function() lock:release() end)
    clock:advance(1)
    assert.are.same({ "holder", "again" }, t:list())
    line_up(t, lock, "next")
    assert.are.same({ "holder", "again" }, t:list())
  end)

  it("9.3 cancel of a wait, with a limit or without: a cancel error, no timer and no place in line is left", function()
    for _, seconds in ipairs { 1, math.huge } do
      local t, lock = h.trace(), weir.Lock()
      lock:acquire()
      local d = lock:acquire():timeout(seconds)
      assert.is_true(d:cancel())
      assert.are.equal("cancelled", d:status())
      assert.is_nil(weir.step())
      lock:release()
      line_up(t, lock, "next")
      assert.are.same({ "next" }, t:list())
    end
  end)
end)
