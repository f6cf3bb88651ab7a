-- weir.cqueues: what cqueues can poll, awaited by coroutines of weir, and Deferreds awaited by those of cqueues.
if not pcall(require, "cqueues") then return pending "cqueues is not installed" end

local condition = require "cqueues.condition"
local cq = require "weir.cqueues"
local cqueues = require "cqueues"
local auxlib = require "cqueues.auxlib"
local errno = require "cqueues.errno"
local h = require "spec.helper"
local notify = require "cqueues.notify"
local promise = require "cqueues.promise"
local signal = require "cqueues.signal"
local socket = require "cqueues.socket"
local thread = require "cqueues.thread"
local weir = require "weir"
local x = require "spec.cq"

local function pair()
  local a, b = socket.pair()
  a:setmode("bn", "bn")
  b:setmode("bn", "bn")
  return a, b
end

local function process_id()
  local file = assert(io.open "/proc/self/stat")
  local id = file:read "n"
  file:close()
  return math.tointeger(id)
end

-- How many files we have open.
local function open_files()
  local n, pipe = 0, assert(io.popen("ls /proc/" .. process_id() .. "/fd"))
  for _ in pipe:lines() do n = n + 1 end
  pipe:close()
  return n
end

describe("cqueues in coroutines of weir:", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("3.3 sockets read and write as they stand, and others run meanwhile", function()
    local t, a, b = h.trace(), pair()
    x.run(function()
      local reader = weir.spawn(function()
        for line in a:lines() do t(line) end
        t(a:read(1) == nil)
      end)
      b:write "one\ntwo"
      repeat weir.yield() until t:list()[1]
      t "yielded"
      b:write " three\n"
      b:shutdown "w"
      weir.await(reader)
    end)
    assert.same({ "one", "yielded", "two three", true }, t:list())
  end)

  it("3.3 more is written than the system takes at once", function()
    local a, b = pair()
    local text = ("x"):rep(1e6)
    x.run(function()
      local writer = weir.spawn(function() a:write(text); a:shutdown "w" end)
      assert.equal("waiting", writer:status())
      assert.equal(#text, #b:read "*a")
      weir.await(writer)
    end)
  end)

  it("3.3 sockets listen, connect and accept", function()
    local server = socket.listen("127.0.0.1", 0)
    x.run(function()
      assert(server:listen())
      local _, host, port = server:localname()
      local serving = weir.spawn(function()
        for connection in server:clients() do
          weir.spawn(function()
            for line in connection:lines() do connection:write("you said ", line, "\n") end
            connection:close()
          end)
        end
      end)
      local lines = weir.await(weir.map({ "a", "b", "c" }, function(word)
        local client = socket.connect(host, port)
        client:write(word, "\n")
        local line = client:read()
        client:close()
        return line
      end))
      assert.same({ "you said a", "you said b", "you said c" }, lines)
      serving:cancel()
    end)
    server:close()
  end)

  it("3.3 a time limit of cqueues' own ends a read", function()
    local a, b = pair()
    a:settimeout(0.005)
    x.run(function()
      assert.same({ n = 2, nil, errno.ETIMEDOUT }, table.pack(a:read()))
    end)
    b:close()
  end)

  it("3.3 sleep, signals, changes of files, threads and promises", function()
    local path = os.tmpname()
    x.run(function()
      cqueues.sleep(0.001)

      signal.block(signal.SIGUSR1)
      local listener = signal.listen(signal.SIGUSR1)
      local waiting = weir.spawn(listener.wait, listener)
      os.execute("kill -USR1 " .. process_id())
      assert.equal(signal.SIGUSR1, weir.await(waiting))
      signal.unblock(signal.SIGUSR1)

      local changes = notify.opendir(path:match "^(.*)/")
      changes:add(path:match "[^/]*$")
      local changed = weir.spawn(changes.get, changes)
      os.remove(path)
      assert.is_truthy(weir.await(changed))

      local thr = thread.start(function() end)
      assert.is_true((thr:join()))

      local p = promise.new(function() cqueues.sleep(0.001); return "kept" end)
      assert.equal("kept", p:get())
      local broken = promise.new(function() error("broken", 0) end)
      assert.equal("broken", h.raised(broken.get, broken))
    end)
  end)

  it("3.3 a condition tells each of its waiters, first come first", function()
    local t, ready = h.trace(), condition.new()
    x.run(function()
      local waiters = {}
      for i = 1, 3 do
        waiters[i] = weir.spawn(function() t(ready:wait() and i) end)
      end
      assert.equal(1, ready:signal(1))
      weir.sleep(0.002)
      t "one was told"
      assert.equal(2, ready:signal())
      weir.await(weir.all(waiters))
    end)
    assert.same({ 1, "one was told", 2, 3 }, t:list())
  end)

  it("3.3 the two kinds of coroutines wait for one condition in one line", function()
    local t, ready = h.trace(), condition.new()
    local controller = cq.attach(cqueues.new())
    controller:wrap(function() ready:wait(); t "plain" end)
    controller:step(0)
    weir.spawn(function() ready:wait(); t "weir" end)
    controller:wrap(function() ready:wait(); t "plain again" end)
    controller:step(0)
    for _ = 1, 3 do
      assert.equal(1, ready:signal(1))
      for _ = 1, 3 do assert(controller:step(0)) end
    end
    assert.same({ "plain", "weir", "plain again" }, t:list())
    assert(controller:loop())
  end)

  it("3.3 a wait for a condition is there when the coroutine is suspended", function()
    local ready = condition.new()
    x.run(function()
      local co = weir.spawn(function() return ready:wait() end)
      assert.equal(1, ready:signal())
      assert.is_true(weir.await(co))
    end)
    local co = weir.spawn(function() return ready:wait() end) -- of the main program
    assert.equal(1, ready:signal())
    assert.is_true(x.run(weir.await, co))
  end)

  it("3.3 poll returns what is ready, as ever", function()
    local a, b = pair()
    x.run(function()
      assert.same({ n = 1, 0.001 }, table.pack(cqueues.poll(0.001, nil, 60)))
      assert.same({ n = 0 }, table.pack(cqueues.poll()))
      assert.same({ n = 0 }, table.pack(cqueues.poll(nil, nil)))
      local ready, file = condition.new(), { pollfd = a:pollfd(), events = "r" }
      local co = weir.spawn(cqueues.poll, file, ready, 60)
      b:write "x"
      ready:signal()
      assert.same({ n = 2, file, ready }, table.pack(weir.await(co)))
    end)
  end)

  it("3.2 a coroutine that the main program starts waits like others, and does not block it", function()
    local t, a, b = h.trace(), pair()
    local reader = weir.spawn(function() t(a:read()) end)
    local sleeper = weir.spawn(function() cqueues.sleep(0.001); t "slept" end)
    t "started"
    weir.spawn(function() b:write "line\n" end)
    x.run(function() weir.await(weir.all { reader, sleeper }) end)
    assert.equal("started", t:list()[1])
    assert.equal(3, #t:list())
  end)

  it("3.6 a callback of a Deferred cannot wait so", function()
    local err
    x.run(function()
      weir.succeed():add_callback(function() cqueues.poll(0) end):add_errback(function(e) err = e end)
    end)
    assert.matches("attempt to yield", tostring(err))
  end)

  it("2.11 what cannot be polled is an error of the call, and of nobody else's", function()
    local a, b = pair()
    x.run(function()
      local reader = weir.spawn(function() return a:read() end)
      local files = {
        [{ pollfd = 999, events = "r" }] = "Bad file descriptor",
        [{ pollfd = "x", events = "r" }] = "error loading field pollfd",
        [{ pollfd = function() error "no file" end }] = "error calling method pollfd: .-no file",
      }
      for file, message in pairs(files) do
        assert.matches(message, h.raised(function() cqueues.poll(file); return true end))
        assert.matches(message, h.raised(weir.await, cq.poll(file)))
      end
      b:write "still there\n"
      assert.equal("still there", weir.await(reader))
    end)
  end)

  it("2.11 a file that is closed behind the back of cqueues harms nobody else", function()
    local others = pcall(require, "socket") and require "socket"
    if not others then return pending "LuaSocket is not installed" end
    local server = others.bind("127.0.0.1", 0)
    local host, port = server:getsockname()
    local client = others.connect(host, port)
    local a, b = pair()
    x.run(function()
      local reader = weir.spawn(function() return a:read() end)
      local began = cqueues.monotime()
      local sleeper = weir.spawn(function() cqueues.sleep(0.02); return cqueues.monotime() - began end)
      local co = weir.spawn(cqueues.poll, { pollfd = client:getfd(), events = "r" })
      cqueues.sleep(0.001)
      client:close()
      co:cancel()
      assert.is_true(weir.await(sleeper) >= 0.02)
      b:write "still there\n"
      assert.equal("still there", weir.await(reader))
    end)
    server:close()
  end)

  it("3.3 a socket that is closed wakes who waits for it", function()
    local a, b = pair()
    x.run(function()
      local reader = weir.spawn(function() return pcall(a.read, a) end)
      cqueues.sleep(0.001)
      a:close()
      assert.equal("waiting", reader:status())
      local ok, what, code = weir.await(reader)
      assert(not ok or (what == nil and code), "read something")
    end)
    b:close()
  end)

  it("3.3 another controller can be driven inside a coroutine of weir", function()
    local t, other, d = h.trace(), cqueues.new(), weir.Deferred()
    other:wrap(function() t(cq.get(d)); cqueues.sleep(0.002); t "other" end)
    x.run(function()
      local driver = weir.spawn(function() return other:loop() end)
      weir.sleep(0.001)
      t "meanwhile"
      d:callback "got"
      assert.is_true(weir.await(driver))
    end)
    assert.same({ "meanwhile", "got", "other" }, t:list())
  end)

  it("3.3 a coroutine of auxlib's inside one of weir's waits with it", function()
    x.run(function()
      local values = auxlib.wrap(function()
        for i = 1, 2 do
          cqueues.sleep(0.001)
          coroutine.yield(i)
        end
      end)
      assert.same({ 1, 2 }, { values(), values() })
    end)
  end)

  it("3.5 what comes at the same time is told in the order of the deadlines", function()
    local t, controller = h.trace(), cq.attach(cqueues.new())
    for i = 3, 1, -1 do
      weir.spawn(function() cqueues.sleep(i / 1000); t(i) end)
    end
    local over = cqueues.monotime() + 0.004
    controller:step(0)
    controller:step(0)
    while cqueues.monotime() < over do h.ignore() end
    assert(controller:loop())
    assert.same({ 1, 2, 3 }, t:list())
  end)

  it("5.2 a cancel ends the wait at once, and the coroutine cleans up", function()
    local t, a, b = h.trace(), pair()
    x.run(function()
      local co = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() cqueues.sleep(0.001); t "cleaned up" end })
        t(weir.is_cancelled(h.raised(a.read, a)))
      end)
      co:cancel()
      t(select(2, pcall(weir.await, co)).name)
      b:write "x\n"
      assert.equal("x", a:read())
    end)
    assert.same({ true, "cleaned up", "CancelledError" }, t:list())
  end)

  it("5.2 a cancel leaves nothing behind in any controller", function()
    local before = open_files()
    local a, b = pair()
    for _ = 1, 3 do
      local co = weir.spawn(function() a:read() end)
      cq.attach():step(0)
      co:cancel()
      x.finish()
    end
    a:close()
    b:close()
    h.collect()
    assert(open_files() <= before + 4, "files are left open") -- of two controllers
    local ready = condition.new()
    local co = weir.spawn(function() ready:wait() end)
    co:cancel()
    assert.equal(0, ready:signal())
  end)

  it("5.8 a signal that came before the cancel is delivered, and the cancel strikes at the next wait", function()
    local t, ready = h.trace(), condition.new()
    x.run(function()
      local co = weir.spawn(function()
        t(ready:wait())
        weir.sleep(60)
      end)
      assert.equal(1, ready:signal(1))
      co:cancel()
      t(weir.is_cancelled(h.raised(weir.await, co)))
    end)
    assert.same({ true, true }, t:list())
  end)

  it("5.9 one who is cancelled before the wait does not begin it", function()
    local ready = condition.new()
    x.run(function()
      local co
      co = weir.spawn(function()
        weir.current():cancel()
        ready:wait()
      end)
      assert.equal(0, ready:signal())
      assert.equal("cancelled", co:status())
    end)
  end)

  it("3.3 a limit of weir's ends the wait of one of two", function()
    local a, b = pair()
    x.run(function()
      local reading = weir.spawn(function() return a:read() end)
      assert.equal("TimeoutError", h.raised(weir.await, reading, 0.002).name)
      local d = cq.poll(60)
      local other = weir.spawn(weir.await, d)
      assert.equal("TimeoutError", h.raised(weir.await, d, 0.002).name)
      assert.equal("waiting", other:status())
      d:cancel()
      b:write "late\n"
      assert.equal("late", a:read())
    end)
  end)

  it("5.7 one that is closed by force waits no more", function()
    local ready = condition.new()
    x.run(function()
      local co = weir.spawn(function() ready:wait() end)
      assert.is_true(co:close())
      assert.equal(0, ready:signal())
    end)
  end)

  it("6.1 a pause holds what came until the unpause", function()
    local t, a, b = h.trace(), pair()
    x.run(function()
      local co = weir.spawn(function() t(a:read()) end)
      cqueues.sleep(0.001)
      co:pause()
      b:write "line\n"
      cqueues.sleep(0.002)
      assert.equal("paused", co:status())
      t "unpause"
      co:unpause()
      weir.await(co)
    end)
    assert.same({ "unpause", "line" }, t:list())
  end)

  it("6.1 one that was paused between signal and wake-up gets the signal", function()
    local ready = condition.new()
    x.run(function()
      local co = weir.spawn(function() return ready:wait() end)
      ready:signal(1)
      co:pause()
      weir.sleep(0.002)
      co:unpause()
      assert.is_true(weir.await(co))
    end)
  end)

  it("4.1 noreturn goes on behind a wait", function()
    local a, b = pair()
    x.run(function()
      local co = weir.spawn(function()
        weir.noreturn(function() return a:read() end)
      end)
      b:write "hop\n"
      assert.equal("hop", weir.await(co))
    end)
  end)

  it("3.3 any other value is an error at the yield, as before", function()
    x.run(function()
      for _, values in ipairs { { 1 }, { 1, 2 }, { cqueues }, { {}, cqueues._POLL } } do
        local err = h.raised(function() coroutine.yield(table.unpack(values)); return true end)
        assert.matches("attempt to yield something other than one Deferred", err)
      end
    end)
  end)

  it("8.4 as many objects as the stack has room for, and more", function()
    x.run(function()
      local objects = {}
      for i = 1, 1000 do objects[i] = 60 + i end
      objects[1000] = 0.001
      assert.equal(0.001, cqueues.poll(table.unpack(objects)))
    end)
  end)

  it("3.8 what was awaited can be collected", function()
    local weak = setmetatable({}, { __mode = "k" })
    x.run(function()
      local a, b = pair()
      weak[a], weak[b] = true, true
      local co = weir.spawn(a.read, a)
      weak[co] = true
      b:write "x\n"
      weir.await(co)
      weak[weir.spawn(function() pcall(b.read, b) end)] = true
      local ready = condition.new()
      weak[ready] = true
      local waiting = weir.spawn(function() ready:wait() end)
      weir.sleep(0.001)
      waiting:cancel()
      b:close()
      a:close()
    end)
    x.finish()
    assert.is_true(h.released(weak))
  end)
end)

describe("cq.poll:", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("9.1 returns a Deferred, which can be one of several", function()
    local a, b = pair()
    x.run(function()
      b:write "x"
      local file = { pollfd = a:pollfd(), events = "r" }
      assert.equal(file, weir.await(weir.race { cq.poll(60), cq.poll(file), weir.after(60) }))
    end)
  end)

  it("2.2 one that somebody else has fired is left alone by what comes", function()
    x.run(function()
      local d = cq.poll(0.001)
      d:callback "mine"
      x.sleep_until_idle()
      assert.equal("mine", d:result())
    end)
  end)

  it("2.9 a second cancel does nothing", function()
    local d = cq.poll(60)
    d:add_errback(h.ignore)
    assert.is_true(d:cancel())
    assert.is_false(d:cancel())
    x.finish()
  end)
end)

describe("cq.get:", function()
  local controller

  before_each(function() controller = cq.attach(cqueues.new()) end)

  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  -- What f(...) gives in a plain coroutine of the controller.
  local function plainly(f, ...)
    local results
    controller:wrap(function(...) results = table.pack(pcall(f, ...)) end, ...)
    assert(controller:loop())
    return table.unpack(results, 1, results.n)
  end

  it("3.3 gives the values of a Deferred to a plain coroutine, fired or not", function()
    assert.same({ n = 4, true, 1, nil, nil }, table.pack(plainly(cq.get, weir.succeed(1, nil, nil))))
    assert.same({ n = 2, true, "later" }, table.pack(plainly(cq.get, weir.after(0.002, "later"))))
    assert.same({ n = 2, true, "sent" }, table.pack(plainly(cq.get, weir.spawn(function()
      cqueues.sleep(0.001)
      return "sent"
    end))))
  end)

  it("3.3 raises its error, the same one, which is then handled", function()
    local reports, err = h.unhandled(), {}
    assert.same({ false, err }, { plainly(cq.get, weir.fail(err)) })
    assert.equal(err, select(2, plainly(cq.get, weir.after(0.001):add_callback(function() error(err) end))))
    h.collect()
    weir.step()
    assert.same({}, reports)
  end)

  it("3.3 leaves it when the time is over, and it is cancelled if nobody else waits", function()
    local t, alone, shared = h.trace(), weir.Deferred(), weir.Deferred()
    alone:add_errback(function(err) t(weir.is_cancelled(err)) end)
    local other = weir.spawn(weir.await, shared)
    t(select(2, plainly(cq.get, alone, 0.002)).name)
    t(select(2, plainly(cq.get, shared, 0.002)).name)
    t(other:status())
    assert.same({ true, "TimeoutError", "TimeoutError", "waiting" }, t:list())
  end)

  it("2.5 any number may wait", function()
    local t, d = h.trace(), weir.Deferred()
    for i = 1, 3 do
      controller:wrap(function() t(cq.get(d) + i) end)
    end
    weir.after(0.001, 10):chain(d)
    assert(controller:loop())
    assert.equal(11 + 12 + 13, t:list()[1] + t:list()[2] + t:list()[3])
  end)

  it("6.1 gets nothing while the Deferred is held", function()
    local t, d = h.trace(), weir.Deferred()
    d:pause()
    d:callback "value"
    controller:wrap(function() t(cq.get(d)) end)
    weir.after(0.002):add_callback(function() t "unpause"; d:unpause() end)
    assert(controller:loop())
    assert.same({ "unpause", "value" }, t:list())
  end)

  it("3.3 is weir.await in a coroutine of weir", function()
    assert.equal("x", x.run(function() return cq.get(weir.after(0.001, "x")) end))
    x.run(function()
      local d = weir.Deferred()
      local waiting = weir.spawn(function() return cq.get(d) end)
      waiting:cancel()
      assert.is_true(weir.is_cancelled(h.raised(weir.await, waiting)))
      assert.equal("cancelled", d:status())
    end)
  end)

  it("3.6 is refused where nothing can wait", function()
    assert.matches("attempt to wait outside a coroutine of a controller", h.raised(cq.get, weir.Deferred()))
    local _, err = plainly(function() table.sort({ 1, 2 }, function() cq.get(weir.Deferred()) end) end)
    assert.matches("attempt to wait outside a coroutine of a controller", err)
  end)

  it("8.4 wants a Deferred and a time", function()
    assert.matches("bad argument #1 to 'get' %(Deferred expected%)", h.raised(cq.get, {}))
    assert.matches("bad argument #2 to 'get' %(number expected, got string%)", h.raised(cq.get, weir.succeed(), "x"))
    assert.matches("bad argument #2 to 'get' %(time must not", h.raised(cq.get, weir.succeed(), -1))
  end)
end)
