-- Contract 7.3: run and step, beyond what sched_spec.lua says of the order.
local weir = require "weir"
local h = require "spec.helper"

local await, spawn = weir.await, weir.spawn
local real = weir.clock()

local function error_of(d) return h.raised(d.result, d) end

describe("run", function()
  local clock, t, reports

  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)

  after_each(h.restore)

  it("7.3 runs f as a coroutine, at once", function()
    local inside
    weir.run(function() inside = weir.current(); t("ran") end)
    assert.same({ "ran" }, t:list())
    assert.equal("success", inside:status())
    assert.is_nil(weir.current())
  end)

  it("7.3 gives every value back, none as none", function()
    assert.equal(0, select("#", weir.run(function() end)))
    assert.same({ n = 3, nil, false, nil }, table.pack(weir.run(function() return nil, false, nil end)))
    assert.same({ n = 2, 1, nil }, table.pack(weir.run(weir.coroutine(function(...) return ... end), 1, nil)))
  end)

  it("7.3 does not wait for the timers of others", function()
    weir.clock(real)
    local other = spawn(function() weir.sleep(3600) end)
    assert.equal("end", weir.run(function() weir.sleep(0); return "end" end))
    assert.equal("waiting", other:status())
    assert.is_true(other:cancel())
  end)

  it("7.3 a failure of another does not end it, and is reported", function()
    local mine = {}
    spawn(function() weir.yield(); error(mine) end)
    assert.equal("end", weir.run(function()
      for _ = 1, 3 do weir.yield() end
      return "end"
    end))
    weir.step()
    assert.equal(1, #reports)
    assert.is_true(rawequal(mine, reports[1].err))
  end)

  it("7.3 an error it raises is handled, not reported", function()
    local mine = {}
    assert.is_true(rawequal(mine, h.raised(weir.run, function() weir.yield(); error(mine) end)))
    h.collect()
    weir.step()
    assert.same({}, reports)
  end)

  it("7.3 raises the cancel error if f's coroutine was cancelled", function()
    local err = h.raised(weir.run, function()
      local me = weir.current()
      spawn(function() weir.yield(); me:cancel("why") end)
      await(weir.Deferred())
    end)
    assert.is_true(weir.is_cancelled(err))
    assert.equal("why", err.reason)
  end)

  it("7.3 waits for the cleanup of f's coroutine", function()
    assert.is_false(pcall(weir.run, function()
      local _ <close> = setmetatable({}, { __close = function()
        weir.yield()
        t("closed")
      end })
      error("fails")
    end))
    assert.same({ "closed" }, t:list())
  end)

  it("7.3 run() runs timers in (deadline, armed) order on the real clock too", function()
    weir.clock(real)
    local function body(name)
      for i = 1, 2 do
        weir.sleep(0)
        t(name .. i)
      end
    end
    spawn(body, "a")
    spawn(body, "b")
    weir.run()
    assert.same({ "a1", "b1", "a2", "b2" }, t:list())
  end)

  it("7.3 run() ends when an every has been cancelled", function()
    weir.clock(real)
    local n, co = 0, nil
    co = weir.every(0.001, function()
      n = n + 1
      if n == 3 then co:cancel() end
    end)
    weir.run()
    assert.equal(3, n)
    assert.equal("cancelled", co:status())
  end)

  it("7.3 for run() timers that stand still are nothing: paused, clock paused, speed 0, infinite", function()
    weir.clock(real)
    local paused, stopped = weir.Clock { parent = real }, weir.Clock { speed = 0, parent = real }
    paused:pause()
    local held = weir.after(0.001)
    held:pause()
    local all = { held, paused:after(0.001), stopped:after(0.001), weir.after(math.huge) }
    weir.run()
    for _, d in ipairs(all) do
      assert.equal("pending", d:status())
      assert.is_true(d:cancel())
    end
  end)

  it("3.7 a sleep of infinity can never finish", function()
    assert.equal("DeadlockError", h.raised(weir.run, function() weir.sleep(math.huge) end).name)
  end)

  it("7.3 many runs in a row, also behind failed ones", function()
    for i = 1, 100 do
      assert.equal(i, weir.run(function() weir.yield(); return i end))
      assert.is_false(pcall(weir.run, function() weir.yield(); error("fails") end))
    end
  end)

  it("7.3 works in a plain coroutine of the host", function()
    assert.equal("v", coroutine.wrap(function()
      return (weir.run(function() weir.yield(); return "v" end))
    end)())
  end)

  describe("and step nested", function()
    -- Both fail, three ways, and nothing of them runs.
    local function try(where)
      t(where)
      for _, f in ipairs { weir.step, weir.run, function() weir.run(function() t("never") end) end } do
        if pcall(f) then t(where .. ": no error") end
      end
    end

    it("7.3 in hooks and timer callbacks are errors at the call", function()
      local d = weir.Deferred {
        pause = function() try("pause") end,
        unpause = function() try("unpause") end,
        cancel = function() try("cancel") end,
      }
      d:pause()
      d:cancel()
      weir.after(1):add_callback(function() try("timer") end)
      clock:advance(1)
      assert.same({ "pause", "unpause", "cancel", "timer" }, t:list())
    end)

    it("7.3 in a generator, a <close> handler, a comparator and an every are errors at the call", function()
      local function closing(name)
        return setmetatable({}, { __close = function() try(name) end })
      end
      local co = spawn(function()
        coroutine.wrap(function() try("wrap") end)()
        weir.wrap(function() try("weir.wrap") end)()
        table.sort({ 1, 2 }, function(a, b) try("sort"); return a < b end)
        do local _ <close> = closing("close") end
        local _ <close> = closing("cancelled")
        await(weir.Deferred())
      end)
      co:cancel()
      local forced = spawn(function() local _ <close> = closing("forced"); await(weir.Deferred()) end)
      forced:close()
      local every = weir.every(1, function() try("every") end)
      clock:advance(1)
      every:cancel()
      assert.same({ "wrap", "weir.wrap", "sort", "close", "cancelled", "forced", "every" }, t:list())
    end)

    it("7.3 leave the loop in order", function()
      local d = weir.Deferred()
      local co = spawn(function()
        pcall(weir.run)
        pcall(weir.step)
        weir.yield()
        return await(d)
      end)
      assert.is_nil(weir.step())
      d:callback("v")
      assert.equal("v", co:result())
      assert.equal("run", weir.run(function() return "run" end))
    end)
  end)
end)

describe("step", function()
  local t

  before_each(function()
    h.manual()
    t = h.trace()
    h.unhandled()
    weir.clock(real)
  end)

  after_each(h.restore)

  it("7.3 comes back from a coroutine that sleeps 0 for ever", function()
    local n = 0
    local co = spawn(function()
      while true do
        weir.sleep(0)
        n = n + 1
      end
    end)
    repeat weir.step() until n >= 3
    assert.is_true(co:cancel())
    assert.equal("cancelled", co:status())
    assert.is_nil(weir.step())
  end)

  it("7.3 returns the seconds to the next deadline of the real clock", function()
    local d = weir.after(3600)
    local s = weir.step()
    assert.is_true(s > 0 and s <= 3600)
    local now = weir.after(0)
    repeat s = weir.step() until now:status() == "success"
    assert.is_true(s > 0 and s <= 3600)
    d:cancel()
    assert.is_nil(weir.step())
  end)

  it("7.3 returns the seconds by the loop's clock for a slower or faster one", function()
    local clock = h.manual()
    local game = weir.Clock { speed = 4, parent = clock }
    local d = game:after(8)
    assert.equal(2, weir.step())
    game:speed(0.5)
    assert.equal(16, weir.step())
    game:pause()
    assert.is_nil(weir.step())
    game:unpause()
    clock:advance(16)
    assert.equal("success", d:status())
  end)

  it("7.3 stopped by its budget it returns 0 and loses nothing that was woken", function()
    local d = weir.Deferred()
    local function waiter(name)
      spawn(function() await(d); t(name); weir.yield(); t(name .. " again") end)
    end
    waiter("a")
    waiter("b")
    spawn(function() weir.yield(); t("fires"); d:callback(); weir.yield(); t("end") end)
    local n = 0
    while weir.step(0) == 0 do n = n + 1 end
    assert.same({ "fires", "a", "b", "end", "a again", "b again" }, t:list())
    assert.is_true(n >= 3)
  end)

  it("7.3 a body that yields for ever runs once a pass, with a budget or without", function()
    local n = 0
    local d = weir.succeed()
    local co = spawn(function()
      while true do
        weir.yield()
        await(d)
        n = n + 1
      end
    end)
    assert.equal(0, weir.step(0))
    assert.equal(1, n)
    assert.equal(0, weir.step(0.001))
    assert.equal(0, weir.step())
    assert.equal(3, n)
    assert.is_true(co:cancel())
  end)

  it("7.3 an error in a body leaves the rest of the pass alone", function()
    local mine = {}
    local bad = spawn(function() weir.yield(); t("bad"); error(mine) end)
    spawn(function() weir.yield(); t("good") end)
    weir.step()
    assert.same({ "bad", "good" }, t:list())
    assert.is_true(rawequal(mine, error_of(bad)))
  end)
end)
