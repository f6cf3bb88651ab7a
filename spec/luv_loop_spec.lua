-- weir.luv, the loop: contract 3.5, 3.7, 5.6, 7.3 and 8 over libuv.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local h = require "spec.helper"
local x = require "spec.uv"
local uv = luv.uv

local function never() return weir.await(weir.Deferred()) end

-- How often the loop goes round until f(...) has ended, or there is nothing left.
local function rounds_of(...)
  local n, prepare = 0, uv.new_prepare()
  prepare:start(function() n = n + 1 end)
  prepare:unref()
  x.run(...)
  prepare:close()
  return n
end

-- A handle that keeps the loop alive, and the function that ends that.
local function something_open()
  local async = uv.new_async(h.ignore)
  return function() async:close() end
end

local has_threads, threads = pcall(require, "handles")

describe("luv.run, other threads:", function()
  if not has_threads then return pending "the module for specs is not built" end

  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("10.2 a fire of another thread wakes it", function()
    local d = weir.Deferred()
    local rounds = rounds_of(function()
      threads.handle(d):fire_after(0.02, function() return "fired" end)
      assert.equal("fired", weir.await(d))
    end)
    assert.is_true(rounds < 10)
  end)

  it("10.2 sleeps again behind a fire, while other handles are live", function()
    local fired, open = weir.Deferred(), weir.Deferred()
    local handle, other = threads.handle(fired), threads.handle(open)
    handle:fire_elsewhere(h.ignore)
    handle:release()
    assert.is_true(rounds_of(function() weir.await(fired); weir.sleep(0.05) end) < 20)
    other:fire(h.ignore)
    other:release()
    luv.run()
    assert.equal("success", open:status())
  end)

  it("10.2 a live handle is something that can come, until it is released", function()
    h.unhandled()
    local d = weir.Deferred()
    local handle = threads.handle(d)
    local timer = uv.new_timer()
    timer:start(2, 0, function() handle:release(); timer:close() end)
    luv.run()
    assert.equal("WeirError", h.raised(d.result, d).name)
  end)
end)

describe("luv.run:", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("7.3 returns the values of f, and passes arguments on", function()
    assert.same({ n = 4, 1, nil, "x", nil }, table.pack(x.run(function(...) return ... end, 1, nil, "x", nil)))
  end)

  it("7.3 raises the error of f, the same one, which is then handled", function()
    local reports, err = h.unhandled(), {}
    assert.equal(err, h.raised(luv.run, function() error(err) end))
    assert.equal(err, h.raised(luv.run, function() weir.sleep(0.001); error(err) end))
    h.collect()
    weir.step()
    assert.same({}, reports)
  end)

  it("3.1 takes a weir.coroutine function, and a Deferred that f returns", function()
    assert.equal("x", x.run(weir.coroutine(function() return "x" end)))
    assert.equal("y", x.run(function() return weir.after(0.001, "y") end))
  end)

  it("7.3 starts f behind what is ready, and leaves others as they are", function()
    local t = h.trace()
    local other = weir.spawn(function() weir.yield(); t "other"; weir.yield(); t "other again" end)
    luv.run(t, "f")
    assert.same({ "other", "f" }, t:list())
    assert.equal("ready", other:status())
    luv.run()
    assert.same({ "other", "f", "other again" }, t:list())
  end)

  it("7.1 timers of weir and of libuv take turns in the order of time", function()
    local t = h.trace()
    local timer = uv.new_timer()
    timer:start(200, 0, function() t "libuv"; timer:close() end)
    weir.spawn(function() weir.sleep(0.4); t "late" end)
    weir.spawn(function() weir.sleep(0.001); t "early" end)
    luv.run()
    assert.same({ "early", "libuv", "late" }, t:list())
  end)

  it("7.3 without f it ends when neither has anything left", function()
    local t = h.trace()
    weir.spawn(function() weir.sleep(0.001); weir.yield(); t "weir" end)
    weir.spawn(never)
    luv.run()
    assert.same({ "weir" }, t:list())
  end)

  it("7.3 goes on for a coroutine that a close callback woke when that was the last thing in the loop", function()
    local closed = weir.Deferred()
    local timer, t = uv.new_timer(), h.trace()
    timer:start(1, 0, function() timer:close(function() closed:callback() end) end)
    weir.spawn(function() weir.await(closed); weir.sleep(0.001); t "slept" end)
    luv.run()
    assert.same({ "slept" }, t:list())
  end)

  it("3.7 raises a DeadlockError that names what waits, when nothing can come", function()
    local stuck = weir.coroutine(never, "stuck")
    local err = h.raised(luv.run, stuck)
    assert.equal("DeadlockError", err.name)
    assert.matches("Coroutine 'stuck'.-can never end.-waits on Deferred", tostring(err))
  end)

  it("3.7 nothing can come while all who could get it are held, and a frozen timer is nothing", function()
    local a, b = x.pair()
    local err = h.raised(luv.run, function()
      weir.current():pause()
      return a:read()
    end)
    assert.equal("DeadlockError", err.name)
    a:close()
    b:close()
  end)

  it("3.7 an open handle of libuv's is something that can come", function()
    local d, timer = weir.Deferred(), uv.new_timer()
    timer:start(5, 0, function() timer:close(); d:callback "came" end)
    assert.equal("came", x.run(function() return weir.await(d) end))
  end)

  it("7.2 a manual clock is nothing to wait for, and does not make it spin", function()
    h.manual()
    assert.equal("DeadlockError", h.raised(luv.run, weir.sleep, 1).name)
    local open = something_open()
    local clock = weir.Clock()
    weir.clock(clock)
    local timer = uv.new_timer()
    timer:start(20, 0, function() timer:close(); clock:advance(60); open() end)
    assert.is_true(rounds_of(weir.sleep, 60) < 10)
  end)

  it("7.3 is refused in coroutines, callbacks and libuv's callbacks", function()
    assert.matches("attempt to run inside a coroutine or callback", h.inside(h.raised, luv.run, h.ignore))
    weir.succeed():add_callback(function()
      assert.matches("attempt to run inside a coroutine or callback", h.raised(luv.run))
    end)
    local err, timer = nil, uv.new_timer()
    timer:start(0, 0, function() err = h.raised(luv.run); timer:close() end)
    luv.run()
    assert.matches("attempt to run inside a callback of libuv", err)
  end)

  it("8.4 wants a function", function()
    assert.matches("bad argument #1 to 'run' %(function expected, got number%)", h.raised(luv.run, 1))
    assert.matches("bad argument #1 to 'run' %(function expected, got no value%)", h.raised(luv.run, nil))
  end)

  it("7.3 uv.stop ends it with an error, without f as if nothing were left", function()
    local open = something_open()
    local timer = uv.new_timer()
    timer:start(0, 0, uv.stop)
    assert.matches("loop was stopped before Coroutine.-had ended", h.raised(luv.run, never))
    timer:start(0, 0, uv.stop)
    luv.run()
    timer:close()
    open()
  end)

  it("3.8 drops what it needed when it is over", function()
    local weak = setmetatable({}, { __mode = "k" })
    x.run(function() weak[weir.current()] = true; weir.sleep(0.001) end)
    assert.is_true(h.released(weak))
  end)
end)

describe("weir in libuv's loop:", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("3.5 a callback of luv comes from the host: what it wakes runs before it returns", function()
    local t, d, timer = h.trace(), weir.Deferred(), uv.new_timer()
    weir.spawn(function() t(weir.await(d)); weir.yield(); t "yielded" end)
    timer:start(0, 0, function()
      d:callback "woken"
      t "callback over"
      timer:close()
    end)
    luv.run()
    assert.same({ "woken", "callback over", "yielded" }, t:list())
  end)

  it("3.5 after weir.inline(false) it is queued, and runs in the same round", function()
    local t, d, timer = h.trace(), weir.Deferred(), uv.new_timer()
    weir.inline(false)
    weir.spawn(function() t(weir.await(d)) end)
    timer:start(0, 0, function()
      d:callback "woken"
      t "callback over"
      timer:close()
    end)
    x.run(function() weir.await(d); t "f" end)
    assert.same({ "callback over", "woken", "f" }, t:list())
  end)

  it("3.4 coroutines that yield do not keep libuv from its turn", function()
    local done = false
    local timer = uv.new_timer()
    timer:start(1, 0, function() done = true; timer:close() end)
    x.run(function()
      while not done do weir.yield() end
    end)
  end)

  it("7.3 sleeps while there is nothing to do", function()
    assert.is_true(rounds_of(weir.sleep, 0.05) < 10)
    local open = something_open()
    weir.after(0.05):add_callback(open)
    assert.is_true(rounds_of() < 10)
  end)

  it("7.3 sleeps through a million timers that were cancelled", function()
    assert.is_true(rounds_of(function()
      for i = 1, h.scale(1e4) do weir.after(0.001 + i / 1e7):cancel() end
      weir.sleep(0.05)
    end) < 10)
  end)

  it("5.6 a grace time keeps no loop alive, but comes when the loop runs", function()
    weir.grace(0.01)
    local function hang()
      local _ <close> = setmetatable({}, { __close = never })
      never()
    end
    weir.spawn(hang):cancel()
    luv.run() -- does not wait for it
    local t, open = h.trace(), something_open()
    local co = weir.spawn(hang)
    co:add_both(function() t "closed"; open() end)
    co:cancel()
    x.run()
    assert.same({ "closed" }, t:list())
  end)

  it("5.6 without end a grace time is no timer", function()
    weir.grace(math.huge)
    local co = weir.spawn(function() pcall(never); never() end)
    co:cancel()
    luv.run()
    assert.equal("waiting", co:status())
    co:close()
  end)

  it("8.1 failures are reported when the loop goes idle", function()
    local reports = h.unhandled()
    local seen, timer = nil, uv.new_timer()
    timer:start(0, 0, function() weir.spawn(error, "nobody", 0) end)
    x.run(function()
      weir.sleep(0.02)
      seen = #reports
      timer:close()
    end)
    assert.equal(1, seen)
    assert.equal("nobody", reports[1].err)
  end)

  it("luv calls back on the main thread, wherever the handle was made", function()
    local is_main
    x.run(function()
      local d, timer = weir.Deferred(), uv.new_timer()
      timer:start(0, 0, function()
        is_main = select(2, coroutine.running())
        timer:close()
        d:callback()
      end)
      weir.await(d)
    end)
    assert.is_true(is_main)
  end)
end)

describe("luv.attach:", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("7.3 has a uv.run of one's own run weir, until neither has anything left", function()
    local t = h.trace()
    weir.spawn(function() weir.sleep(0.002); t "slept"; weir.yield(); t "yielded" end)
    luv.attach()
    uv.run()
    assert.same({ "slept", "yielded" }, t:list())
    weir.spawn(function() weir.sleep(0.002); t "again" end)
    luv.attach()
    luv.attach()
    uv.run()
    assert.same({ "slept", "yielded", "again" }, t:list())
  end)

  it("7.3 a coroutine that begins to sleep when the last handle goes keeps the loop alive", function()
    local t, timer = h.trace(), uv.new_timer()
    timer:start(1, 0, function()
      timer:stop()
      weir.spawn(function() weir.sleep(0.002); t "slept" end)
    end)
    luv.attach()
    uv.run()
    timer:close()
    assert.same({ "slept" }, t:list())
  end)

  it("keeps no loop alive by itself", function()
    luv.attach()
    uv.run()
    assert.is_false(uv.loop_alive())
  end)

  it("luv.detach closes all of its handles, also from within, and can be undone", function()
    luv.attach()
    weir.spawn(function() weir.yield(); luv.detach() end)
    uv.run()
    uv.run()
    local n = 0
    uv.walk(function() n = n + 1 end)
    assert.equal(0, n)
    luv.detach()
    assert.equal("x", x.run(function() weir.sleep(0.001); return "x" end))
  end)

  it("7.3 uv.run inside a coroutine stops, and the error is reported", function()
    local reports = h.unhandled()
    luv.attach()
    local open = something_open()
    weir.spawn(function() uv.run() end)
    open()
    weir.step()
    h.collect()
    weir.step()
    assert.is_true(#reports > 0)
    assert.matches("attempt to step inside a coroutine or callback", reports[1].err)
    uv.run()
  end)
end)

describe("luv.protect:", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("8.1 an error in a callback goes to on_unhandled with its traceback, and the program goes on", function()
    local reports, timer, err = h.unhandled(), uv.new_timer(), {}
    local function fails() error(err) end
    timer:start(0, 0, luv.protect(function() fails() end))
    x.run(weir.sleep, 0.01)
    timer:close()
    h.collect()
    weir.step()
    assert.equal(1, #reports)
    assert.equal(err, reports[1].err)
    assert.matches("in upvalue 'fails'", reports[1].traceback)
  end)

  it("passes on what luv gives", function()
    local got
    local ok = luv.protect(function(...) got = table.pack(...) end)
    ok(nil, "x", nil)
    assert.same({ n = 3, nil, "x", nil }, got)
    assert.matches("bad argument #1 to 'protect' %(function expected, got no value%)", h.raised(luv.protect))
  end)
end)

describe("weir.luv in a program of its own:", function()
  it("is not needed by weir", function()
    local output = x.program [[
      require "weir"
      for name in pairs(package.loaded) do assert(not name:find "luv", name) end
      print "ok"
    ]]
    assert.equal("ok\n", output)
  end)

  it("refuses to be loaded inside a coroutine, where luv could not call back", function()
    local output = x.program [[
      local weir = require "weir"
      weir.spawn(function() print(pcall(require, "weir.luv")) end)
      require "weir.luv"
      weir.spawn(function() print(type(require "weir.luv")) end)
    ]]
    assert.matches("^false\t.-attempt to load luv inside a coroutine.-\ntable\n$", output)
  end)

  it("8.4 stays whole when its modules are dropped and loaded again, as busted does it", function()
    local output, how, status = x.program [[
      local weir = require "weir"
      for i = 1, 3 do
        local luv = require "weir.luv"
        local server = luv.listen("127.0.0.1", 0)
        print(luv.run(function()
          local stream <close> = luv.connect(server:getsockname())
          weir.sleep(0.001)
          return i
        end))
        if i == 1 then luv.detach() end
        for name in pairs(package.loaded) do
          if name:find "luv" then package.loaded[name] = nil end
        end
        luv, server = nil, nil
        for _ = 1, 3 do collectgarbage() end
      end
    ]]
    assert.same({ "1\n2\n3\n", "exit", 0 }, { output, how, status })
  end)

  for _, first in ipairs { "weir", "luv" } do
    it("8.4 the state can be closed with everything under way, " .. first .. " loaded first", function()
      local output, how, status = x.program('require "' .. first .. [["
        local weir = require "weir"
        local luv = require "weir.luv"
        local uv = luv.uv
        local function background(f, ...)
          weir.spawn(function(...)
            local _ <close> = setmetatable({}, { __close = function() print "closed" end })
            print(pcall(f, ...))
          end, ...)
        end
        local server = luv.listen("127.0.0.1", 0)
        local host, port = server:getsockname()
        background(function() server:serve(function(stream) stream:read() end) end)
        background(function() luv.connect(host, port):read() end)
        background(weir.sleep, 60)
        background(function() weir.await(luv.fs.stat("/")) end)
        background(function() weir.await(luv.work(function() return 1 end)()) end)
        background(function()
          weir.await(luv.spawn("sleep", { args = { "60" } }).exited)
        end)
        weir.spawn(function() for _ in luv.signals "sigusr1" do end end)
        luv.attach()
        uv.run "nowait"
      ]])
      assert.same({ "exit", 0 }, { how, status }, output)
      assert.equal(6, select(2, output:gsub("closed", "")), output)
    end)
  end

  local ENDS = {
    ["behind a close"] = "luv.listen('127.0.0.1', 0):close()",
    ["behind a close of somebody's handle"] = "uv.new_timer():close(); luv.run()",
    ["inside a callback"] = [[
      local timer = uv.new_timer()
      timer:start(0, 0, function() timer:close(); luv.listen('127.0.0.1', 0):close(); os.exit(0, true) end)
      luv.run()
    ]],
    ["inside a coroutine"] = "luv.run(function() luv.listen('127.0.0.1', 0):close(); os.exit(0, true) end)",
    ["with a finalizer that uses what is gone"] = [[
      local server = luv.listen('127.0.0.1', 0)
      local old = setmetatable({}, { __gc = function() server:close(); luv.detach(); server:getsockname() end })
      _G.old = old
    ]],
    ["with connections half made and data half written"] = [[
      local server = luv.listen('127.0.0.1', 0)
      local host, port = server:getsockname()
      for _ = 1, 10 do weir.spawn(luv.connect, host, port) end
      weir.spawn(function() luv.connect(host, port):write(("x"):rep(1e7)) end)
      luv.run(weir.sleep, 0.01)
      weir.spawn(luv.connect, host, port)
    ]],
  }
  for name, text in pairs(ENDS) do
    it("8.4 the state can be closed " .. name, function()
      local output, how, status = x.program(
        "local weir = require 'weir'; local luv = require 'weir.luv'; local uv = luv.uv\n" .. text)
      assert.same({ "exit", 0, "" }, { how, status, output })
    end)
  end

  it("8.1 goes on after errors in coroutines that libuv's callbacks run", function()
    local output, how, status = x.program [[
      local weir = require "weir"
      local luv = require "weir.luv"
      local timer = luv.uv.new_timer()
      timer:start(1, 0, function() weir.spawn(error, "in a coroutine", 0); timer:close() end)
      luv.run(weir.sleep, 0.02)
      print "the end"
    ]]
    assert.matches("in a coroutine.*the end", output)
    assert.same({ "exit", 0 }, { how, status })
  end)
end)
