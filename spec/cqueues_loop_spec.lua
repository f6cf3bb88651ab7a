-- weir.cqueues, the loop: contract 3.5, 3.7, 5.6, 7.3, 8 and 10.2 in a controller of cqueues.
if not pcall(require, "cqueues") then return pending "cqueues is not installed" end

local condition = require "cqueues.condition"
local cq = require "weir.cqueues"
local cqueues = require "cqueues"
local h = require "spec.helper"
local process = require "spec.process"
local threads = require "handles"
local weir = require "weir"
local x = require "spec.cq"

local function never() return weir.await(weir.Deferred()) end

local function finished(d)
  return function() return d:status() ~= "pending" and d:status() ~= "waiting" and d:status() ~= "ready" end
end

-- A coroutine of the controller that goes on until the function returned is called.
local function something_open(controller)
  local closed, is_open = condition.new(), true
  controller:wrap(function()
    while is_open do closed:wait() end
  end)
  return function()
    is_open = false
    closed:signal()
  end
end

describe("cq.run:", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("7.3 returns the values of f, and passes arguments on", function()
    assert.same({ n = 4, 1, nil, "x", nil }, table.pack(x.run(function(...) return ... end, 1, nil, "x", nil)))
  end)

  it("7.3 raises the error of f, the same one, which is then handled", function()
    local reports, err = h.unhandled(), {}
    assert.equal(err, h.raised(cq.run, function() error(err) end))
    assert.equal(err, h.raised(cq.run, function() weir.sleep(0.001); error(err) end))
    h.collect()
    weir.step()
    assert.same({}, reports)
  end)

  it("3.1 takes a weir.coroutine function, and a Deferred that f returns", function()
    assert.equal("x", cq.run(weir.coroutine(function() return "x" end)))
    assert.equal("y", cq.run(function() return weir.after(0.001, "y") end))
  end)

  it("7.3 starts f behind what is ready, and leaves others as they are", function()
    local t = h.trace()
    local other = weir.spawn(function() weir.yield(); t "other"; weir.yield(); t "other again" end)
    cq.run(t, "f")
    assert.same({ "other", "f" }, t:list())
    assert.equal("ready", other:status())
    cq.run()
    assert.same({ "other", "f", "other again" }, t:list())
  end)

  it("7.1 sleepers of weir and of cqueues take turns in the order of time", function()
    local t = h.trace()
    cq.attach():wrap(function() cqueues.sleep(0.05); t "plain" end)
    weir.spawn(function() weir.sleep(0.15); t "late" end)
    weir.spawn(function() cqueues.sleep(0.1); t "in a coroutine of weir" end)
    weir.spawn(function() weir.sleep(0.001); t "early" end)
    cq.run()
    assert.same({ "early", "plain", "in a coroutine of weir", "late" }, t:list())
  end)

  it("7.3 without f it ends when neither has anything left", function()
    local t = h.trace()
    weir.spawn(function() weir.sleep(0.001); weir.yield(); t "weir" end)
    weir.spawn(never)
    cq.attach():wrap(function() cqueues.sleep(0.2); t "cqueues" end)
    cq.run()
    assert.same({ "weir", "cqueues" }, t:list())
  end)

  it("3.7 raises a DeadlockError that names what waits, when nothing can come", function()
    local err = h.raised(cq.run, weir.coroutine(never, "stuck"))
    assert.equal("DeadlockError", err.name)
    assert.matches("Coroutine 'stuck'.-can never end.-waits on Deferred", tostring(err))
  end)

  it("3.7 a coroutine of the controller is something that can come", function()
    local d = weir.Deferred()
    cq.attach():wrap(function() cqueues.sleep(0.005); d:callback "came" end)
    assert.equal("came", x.run(function() return weir.await(d) end))
  end)

  it("3.7 nothing can come any more when the last timer is cancelled, by whomever", function()
    local timer, t = weir.after(1000), h.trace()
    cq.attach():wrap(function() cqueues.sleep(0.002); t(timer:cancel()) end)
    local err = h.raised(cq.run, function() pcall(weir.await, timer); never() end)
    assert.equal("DeadlockError", err.name)
    assert.same({ true }, t:list())
  end)

  it("7.2 a manual clock is nothing to wait for", function()
    h.manual()
    assert.equal("DeadlockError", h.raised(cq.run, weir.sleep, 1).name)
  end)

  it("7.3 is refused in coroutines, callbacks and coroutines of the controller", function()
    assert.matches("attempt to run inside a coroutine or callback", h.inside(h.raised, cq.run, h.ignore))
    weir.succeed():add_callback(function()
      assert.matches("attempt to run inside a coroutine or callback", h.raised(cq.run))
    end)
    local err
    cq.attach():wrap(function() err = h.raised(cq.run) end)
    cq.run()
    assert.matches("attempt to run inside a coroutine of the controller", err)
  end)

  it("8.4 wants a function", function()
    assert.matches("bad argument #1 to 'run' %(function expected, got number%)", h.raised(cq.run, 1))
    assert.matches("bad argument #1 to 'run' %(function expected, got no value%)", h.raised(cq.run, nil))
  end)

  it("7.3 an error of a plain coroutine comes out of it, and the next one goes on", function()
    local err, t = {}, h.trace()
    local co = weir.spawn(function() weir.sleep(0.01); t "slept" end)
    cq.attach():wrap(function() cqueues.sleep(0.001); error(err) end)
    assert.equal(err, h.raised(cq.run, weir.await, co))
    cq.run(weir.await, co)
    assert.same({ "slept" }, t:list())
  end)

  it("7.3 works in a coroutine of another controller, whose others go on meanwhile", function()
    local outer, t, d = cqueues.new(), h.trace(), weir.Deferred()
    outer:wrap(function()
      t(cq.run(function() t(weir.await(d)); weir.sleep(0.01); return "end" end))
    end)
    outer:wrap(function() cqueues.sleep(0.002); t "outer"; d:callback "fired outside" end)
    assert(outer:loop())
    assert.same({ "outer", "fired outside", "end" }, t:list())
  end)

  it("7.3 there it ends when f does, though that was woken from outside", function()
    local outer, d, result = cqueues.new(), weir.Deferred(), nil
    outer:wrap(function() result = cq.run(weir.await, d) end)
    outer:wrap(function() cqueues.sleep(0.002); d:callback "fired" end)
    assert(outer:loop())
    assert.equal("fired", result)
  end)

  it("7.3 weir.run in a coroutine of the controller runs weir alone", function()
    local t = h.trace()
    cq.attach():wrap(function() t(weir.run(function() weir.sleep(0.001); return "run" end)) end)
    weir.spawn(function() weir.sleep(0.2); t "slept" end)
    cq.run()
    assert.same({ "run", "slept" }, t:list())
  end)

  it("3.8 drops what it needed when it is over", function()
    local weak = setmetatable({}, { __mode = "k" })
    x.run(function() weak[weir.current()] = true; weir.sleep(0.001); cqueues.sleep(0.001) end)
    assert.is_true(h.released(weak))
  end)
end)

describe("weir in a controller:", function()
  local controller

  before_each(function()
    controller = cqueues.new()
    assert.equal(controller, cq.attach(controller))
  end)

  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("7.3 ends its loop when neither has anything left", function()
    local t = h.trace()
    weir.spawn(function() weir.sleep(0.002); t "slept"; weir.yield(); t "yielded" end)
    assert(controller:loop())
    assert.same({ "slept", "yielded" }, t:list())
  end)

  it("7.3 keeps no loop alive by itself", function()
    assert(controller:loop())
    assert.is_true(controller:empty())
  end)

  it("7.3 what begins later is looked after without being asked", function()
    local t = h.trace()
    assert(controller:loop())
    weir.spawn(function() weir.sleep(0.002); t "timer" end)
    assert(controller:loop())
    weir.spawn(function() weir.yield(); t "yielded" end)
    assert(controller:loop())
    weir.spawn(function() cqueues.sleep(0.001); t "polled" end)
    assert(controller:loop())
    weir.after(0.001, "timer of the host"):add_callback(t)
    assert(controller:loop())
    assert.same({ "timer", "yielded", "polled", "timer of the host" }, t:list())
  end)

  it("7.3 a timer that a plain coroutine arms before the first one is in time", function()
    local t = h.trace()
    local last = weir.after(1000)
    controller:wrap(function()
      cqueues.sleep(0.001)
      weir.after(0.001):add_callback(function() t "first" end)
      weir.spawn(function() weir.sleep(0.002); t "second" end)
      weir.Deferred():timeout(0.003):add_errback(function() t "third"; last:cancel() end)
    end)
    assert(controller:loop())
    assert.same({ "first", "second", "third" }, t:list())
  end)

  local game, timer = weir.Clock { speed = 0 }, nil
  local STIRS = { -- each comes to an end that no call from the host brings about
    ["after"] = function() timer = weir.after(0.001) end,
    ["timeout"] = function(_, d) d:timeout(0.001) end,
    ["a clock that goes on"] = function() game:speed(1) end,
    ["a coroutine that sleeps"] = function(done) weir.spawn(function() weir.sleep(0.001); done() end) end,
    ["a coroutine that yields"] = function(done) weir.spawn(function() weir.yield(); done() end) end,
    ["a fire that is only queued"] = function(_, d) weir.inline(false); d:callback() end,
    ["a failure"] = function() weir.spawn(error, "nobody") end,
    ["a wait for cqueues"] = function(done) weir.spawn(function() cqueues.sleep(0.001); done() end) end,
    ["a handle"] = function(_, d) threads.handle(d):fire_after(0.001, h.ignore) end,
  }
  for name, stir in pairs(STIRS) do
    it("7.3 it wakes up for what a plain coroutine does: " .. name, function()
      local has_ended, d, last = false, weir.Deferred(), weir.after(1000)
      local function done() has_ended = true end
      weir.on_unhandled(done)
      game:speed(0)
      game:after(0.001):add_callback(done)
      local co = weir.spawn(function() weir.await(d); done() end)
      co:add_errback(done)
      timer = nil
      for _ = 1, 3 do controller:step(0) end
      controller:wrap(stir, done, d)
      x.steps_until(controller, function() return has_ended or timer and timer:status() == "success" end)
      last:cancel()
      assert(controller:loop())
    end)
  end

  it("3.5 a call in a plain coroutine comes from the host: what it wakes runs before it returns", function()
    local t, d = h.trace(), weir.Deferred()
    weir.spawn(function() t(weir.await(d)); weir.yield(); t "yielded" end)
    controller:wrap(function() d:callback "woken"; t "call over" end)
    assert(controller:loop())
    assert.same({ "woken", "call over", "yielded" }, t:list())
  end)

  it("3.5 after weir.inline(false) it is queued", function()
    local t, d = h.trace(), weir.Deferred()
    weir.inline(false)
    weir.spawn(function() t(weir.await(d)) end)
    controller:wrap(function() d:callback "woken"; t "call over" end)
    assert(controller:loop())
    assert.same({ "call over", "woken" }, t:list())
  end)

  it("3.4 coroutines that yield do not keep others from their turn", function()
    local done = false
    controller:wrap(function() cqueues.sleep(0.001); done = true end)
    local co = weir.spawn(function()
      while not done do weir.yield() end
    end)
    x.steps_until(controller, finished(co))
  end)

  it("7.3 sleeps while there is nothing to do", function()
    local co = weir.spawn(weir.sleep, 0.05)
    assert.is_true(x.steps_until(controller, finished(co)) < 10)
    local polled = weir.spawn(cqueues.sleep, 0.05)
    assert.is_true(x.steps_until(controller, finished(polled)) < 10)
    assert(controller:loop())
  end)

  it("7.3 sleeps through many timers that were cancelled", function()
    local co = weir.spawn(function()
      for i = 1, h.scale(1e4) do weir.after(0.001 + i / 1e7):cancel() end
      weir.sleep(0.05)
    end)
    assert.is_true(x.steps_until(controller, finished(co)) < 10)
    assert(controller:loop())
  end)

  it("7.3 somebody else's poll of the controller sees what comes up meanwhile", function()
    local outer, t, d = cqueues.new(), h.trace(), weir.Deferred()
    weir.spawn(function() weir.await(d); weir.sleep(0.001); t "slept" end)
    local open = something_open(controller)
    outer:wrap(function()
      while t:list()[1] ~= "slept" do
        cqueues.poll(controller)
        controller:step(0)
      end
      open()
    end)
    outer:wrap(function() cqueues.sleep(0.005); d:callback() end)
    assert(outer:loop())
    assert(controller:loop())
  end)

  it("5.6 a grace time keeps no run alive, but comes when the loop runs", function()
    local function hang()
      local _ <close> = setmetatable({}, { __close = never })
      never()
    end
    local first = weir.spawn(hang)
    first:cancel(nil, 1000)
    cq.run() -- does not wait for it
    assert.equal("waiting", first:status())
    first:close()
    weir.grace(0.01)
    local t, open = h.trace(), something_open(controller)
    local co = weir.spawn(hang)
    co:add_both(function() t "closed"; open() end)
    co:cancel()
    cq.run()
    assert.same({ "closed" }, t:list())
  end)

  it("5.6 without end a grace time is no timer", function()
    weir.grace(math.huge)
    local co = weir.spawn(function() pcall(never); never() end)
    co:cancel()
    assert(controller:loop())
    assert.equal("waiting", co:status())
    co:close()
  end)

  it("8.1 failures are reported when the loop goes idle", function()
    local reports = h.unhandled()
    local seen
    controller:wrap(function()
      weir.spawn(error, "nobody", 0)
      for _ = 1, 5 do cqueues.poll() end
      seen = #reports
    end)
    assert(controller:loop())
    assert.equal(1, seen)
    assert.equal("nobody", reports[1].err)
  end)

  it("10.2 a fire of another thread wakes it", function()
    local d = weir.Deferred()
    local handle = threads.handle(d)
    handle:fire_after(0.01, function() return "fired" end)
    local co = weir.spawn(weir.await, d)
    assert.is_true(x.steps_until(controller, finished(co)) < 10)
    assert.equal("fired", co:result())
    assert(controller:loop())
  end)

  it("10.2 sleeps again behind a fire, while other handles are live", function()
    local fired, open = weir.Deferred(), weir.Deferred()
    local handle, other = threads.handle(fired), threads.handle(open)
    handle:fire_elsewhere(h.ignore)
    handle:release()
    local co = weir.spawn(function() weir.await(fired); weir.sleep(0.05) end)
    assert.is_true(x.steps_until(controller, finished(co)) < 20)
    other:fire(h.ignore)
    other:release()
    assert(controller:loop())
  end)

  it("10.2 so does one for a handle that a plain coroutine made meanwhile", function()
    local got
    weir.spawn(weir.sleep, 0.001)
    controller:wrap(function()
      cqueues.sleep(0.01)
      local d = weir.Deferred()
      threads.handle(d):fire_after(0.01, function() return "fired" end)
      d:add_callback(function(value) got = value end)
    end)
    assert(controller:loop())
    assert.equal("fired", got)
  end)

  it("10.2 a live handle is something that can come, until it is released", function()
    h.unhandled()
    local d = weir.Deferred()
    local handle = threads.handle(d)
    controller:wrap(function() cqueues.sleep(0.002); handle:release() end)
    assert(controller:loop())
    assert.equal("WeirError", h.raised(d.result, d).name)
  end)

  it("7.3 another controller takes over, with what is under way", function()
    local t, other = h.trace(), cqueues.new()
    weir.spawn(function() weir.sleep(0.05); t "timer" end)
    weir.spawn(function() cqueues.sleep(0.1); t "polled" end)
    controller:step(0)
    cq.attach(other)
    assert(controller:loop())
    assert.same({}, t:list())
    assert(other:loop())
    assert.same({ "timer", "polled" }, t:list())
  end)

  it("7.3 outlives a controller that is closed", function()
    local t = h.trace()
    weir.spawn(function() weir.sleep(0.05); t "timer" end)
    weir.spawn(function() cqueues.sleep(0.1); t "polled" end)
    controller:step(0)
    controller:close()
    cq.run()
    assert.same({ "timer", "polled" }, t:list())
  end)

  it("7.3 cq.detach takes it out, also from within, and can be undone", function()
    local t = h.trace()
    weir.spawn(function() weir.yield(); cq.detach(); t "detached"; weir.yield(); t "back" end)
    assert(controller:loop())
    assert.same({ "detached" }, t:list())
    cq.detach()
    cq.attach(controller)
    assert(controller:loop())
    assert.same({ "detached", "back" }, t:list())
  end)

  it("7.3 goes on when cqueues has dropped all for a file that somebody closed while it was polled", function()
    local others = pcall(require, "socket") and require "socket"
    if not others then return pending "LuaSocket is not installed" end
    local t, server = h.trace(), others.bind("127.0.0.1", 0)
    local host, port = server:getsockname()
    local client = others.connect(host, port)
    local last = weir.after(1000)
    weir.spawn(function() weir.sleep(0.01); t "slept" end)
    controller:wrap(function() cqueues.poll({ pollfd = client:getfd(), events = "r" }, 0.001) end)
    controller:step(0)
    controller:step(0)
    client:close()
    server:close()
    local errors = 0
    while not controller:loop() do errors = errors + 1 end
    assert.equal(2, errors) -- who polled it, and who looks after weir
    controller:reset()
    weir.spawn(function() weir.yield(); t "yielded"; last:cancel() end)
    assert(controller:loop())
    assert.same({ "slept", "yielded" }, t:list())
  end)

  it("7.3 cannot be taken to another controller by what it runs", function()
    assert.matches("attempt to change the controller that runs",
      x.run(function() return h.raised(cq.attach, cqueues.new()) end))
    assert.equal(controller, x.run(function() return cq.attach(controller) end))
  end)

  it("8.4 cq.attach wants a controller", function()
    local closed = cqueues.new()
    closed:close()
    for _, value in ipairs { 1, {}, closed } do
      assert.matches("bad argument #1 to 'attach' %(controller expected%)", h.raised(cq.attach, value))
    end
  end)

  it("7.3 stepped inside a coroutine of weir it is refused, and goes on later", function()
    local t = h.trace()
    weir.spawn(function() weir.yield(); t "went on" end)
    weir.run(function() assert.is_false((controller:step(0))) end)
    assert(controller:loop())
    weir.spawn(function() weir.yield(); t "too" end)
    assert(controller:loop())
    assert.same({ "went on", "too" }, t:list())
  end)
end)

describe("weir.cqueues in a program of its own:", function()
  local function program(text)
    local output, _, how, status = process.run('io.stdout:setvbuf "no"\n' .. text)
    return output, how, status
  end

  it("is not needed by weir", function()
    assert.equal("ok\n", (program [[
      require "weir"
      for name in pairs(package.loaded) do assert(not name:find "cqueues", name) end
      print "ok"
    ]]))
  end)

  it("8.4 stays whole when its modules are dropped and loaded again, as busted does it", function()
    local output, how, status = program [[
      local weir = require "weir"
      local cqueues = require "cqueues"
      local socket = require "cqueues.socket"
      for i = 1, 3 do
        local cq = require "weir.cqueues"
        local a, b = socket.pair()
        print(cq.run(function()
          local co = weir.spawn(a.read, a)
          weir.sleep(0.001)
          b:write(i, "\n")
          return co
        end))
        if i == 1 then cq.detach() end
        for name in pairs(package.loaded) do
          if name:find "weir.cqueues" then package.loaded[name] = nil end
        end
        cq = nil
        for _ = 1, 3 do collectgarbage() end
      end
    ]]
    assert.same({ "1\n2\n3\n", "exit", 0 }, { output, how, status })
  end)

  for _, first in ipairs { "weir", "cqueues" } do
    it("8.4 the state can be closed with everything under way, " .. first .. " loaded first", function()
      local output, how, status = program('require "' .. first .. [["
        local weir = require "weir"
        local cqueues = require "cqueues"
        local cq = require "weir.cqueues"
        local socket = require "cqueues.socket"
        local function background(f, ...)
          weir.spawn(function(...)
            local _ <close> = setmetatable({}, { __close = function() print "closed" end })
            print(pcall(f, ...))
          end, ...)
        end
        local a = socket.pair()
        background(a.read, a)
        background(cqueues.sleep, 60)
        background(weir.sleep, 60)
        background(function() require("cqueues.condition").new():wait() end)
        background(function() weir.await(cq.poll(60)) end)
        local controller = cq.attach()
        controller:wrap(cq.get, weir.Deferred())
        controller:step(0)
        controller:step(0)
      ]])
      assert.same({ "exit", 0 }, { how, status }, output)
      assert.equal(5, select(2, output:gsub("closed", "")), output)
    end)
  end
end)
