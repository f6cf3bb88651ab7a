-- Frames of a host that gives weir.step a budget. Time is the spec's own (time.c), and only spend() moves it: so it is
-- sure after which resume a budget is spent. Run by `make frames-spec`.
local weir = require "weir"
local h = require "spec.helper"

local core = assert(package.searchpath("weir.core", package.cpath))
local spend = assert(package.loadlib(core, "luaopen_spend"))()

local MS = 1 / 1024 -- times are exact so

describe("frames", function()
  local t
  before_each(function()
    t = h.trace()
    h.unhandled()
  end)
  after_each(function()
    for _ = 1, 10 do weir.step(1) end -- with a budget: one that failed may have left what never ends
    h.restore()
  end)

  -- Says its name and takes its time in each of n passes, each begun by a yield.
  local function worker(name, cost, n)
    return weir.spawn(function()
      for i = 1, n do
        weir.yield()
        t(name .. i)
        spend(cost)
      end
    end)
  end

  local function workers(names, cost, n)
    for name in names:gmatch "." do worker(name, cost, n) end
  end

  -- What the next frame runs.
  local function frame(budget)
    local from = #t:list()
    local left = weir.step(budget)
    return table.concat(t:list(), " ", from + 1), left
  end

  describe("overshoot", function()
    it("7.3 is at most one resume: it stops behind the one in which the budget is spent", function()
      workers("abcdef", 1 * MS, 1)
      assert.are.same({ "a1 b1 c1 d1", 0 }, { frame(3.5 * MS) })
      assert.are.same({ "e1 f1", nil }, { frame(3.5 * MS) })
    end)

    it("7.3 is nothing where the budget ends with a resume", function()
      workers("abc", 1 * MS, 1)
      assert.are.same({ "a1 b1", 0 }, { frame(2 * MS) })
    end)

    it("7.3 one that takes ten frames' time is alone in its frame, and nobody pays for it later", function()
      worker("long", 20 * MS, 1)
      workers("ab", 1 * MS, 1)
      assert.are.equal("long1", frame(2 * MS))
      assert.are.equal("a1 b1", frame(2 * MS))
    end)

    it("7.3 an await of what has fired is no wait, and callbacks are none", function()
      local fired = weir.succeed()
      weir.spawn(function()
        weir.yield()
        for i = 1, 3 do
          spend(1 * MS)
          weir.await(fired)
          weir.succeed():add_callback(function() t("callback" .. i) end)
        end
      end)
      worker("a", 0, 1)
      assert.are.equal("callback1 callback2 callback3", frame(1 * MS))
      assert.are.equal("a1", frame(1 * MS))
    end)

    it("7.3 timers without coroutines: it stops behind the first deadline at which the budget is spent", function()
      for i = 1, 5 do
        weir.after(i * MS):add_callback(function() t("timer" .. i); spend(10 * MS) end)
      end
      spend(5 * MS)
      assert.are.same({ "timer1 timer2", 0 }, { frame(15 * MS) })
      assert.are.same({ "timer3", 0 }, { frame(0) })
      assert.are.same({ "timer4 timer5", nil }, { frame(20 * MS) })
    end)

    it("4.6 a hop is where it can stop", function()
      local function hop(n)
        t("hop" .. n)
        spend(1 * MS)
        if n < 4 then weir.noreturn(hop, n + 1) end
      end
      weir.spawn(function() weir.yield(); hop(1) end)
      worker("a", 1 * MS, 1)
      assert.are.equal("hop1 hop2", frame(2 * MS))
      assert.are.equal("a1 hop3", frame(2 * MS))
      assert.are.equal("hop4", frame(2 * MS))
    end)

    it("7.3 one that was started by another stops both: the caller goes on first in the next frame", function()
      weir.spawn(function()
        weir.yield()
        t "caller"
        weir.spawn(function() t "callee"; spend(5 * MS) end)
        t "caller again"
      end)
      worker("a", 0, 1)
      assert.are.equal("caller callee", frame(2 * MS))
      assert.are.equal("caller again a1", frame(2 * MS))
    end)
  end)

  describe("what is left", function()
    it("3.5 keeps its order, over any number of frames", function()
      workers("abcdefg", 1 * MS, 2)
      assert.are.equal("a1 b1 c1", frame(3 * MS))
      assert.are.equal("d1 e1 f1", frame(3 * MS))
      assert.are.equal("g1", frame(1 * MS))
      assert.are.equal("a2 b2 c2", frame(3 * MS))
      assert.are.equal("d2", frame(0))
      assert.are.same({ "e2 f2 g2", nil }, { frame(1) })
    end)

    it("3.5 comes before what is woken or begun between the frames, if the host only queues", function()
      weir.inline(false)
      local d = weir.Deferred()
      for name in ("xy"):gmatch "." do
        weir.spawn(function() weir.await(d); t(name); spend(1 * MS) end)
      end
      weir.step()
      workers("abc", 1 * MS, 1)
      weir.step() -- up to their yields
      assert.are.equal("a1", frame(0))
      d:callback()
      weir.spawn(function() t "new"; spend(1 * MS) end)
      assert.are.equal("b1 c1 x", frame(3 * MS))
      assert.are.equal("y new", frame(3 * MS))
    end)

    it("3.5 waits for its frame when a call of the host runs what that has woken", function()
      local d = weir.Deferred()
      weir.spawn(function() weir.await(d); t "woken" end)
      workers("abc", 1 * MS, 1)
      assert.are.equal("a1", frame(0))
      d:callback()
      assert.are.same({ "a1", "woken" }, t:list())
      assert.are.equal("b1 c1", frame(1))
    end)

    it("3.5 what was woken in a frame that is over keeps its place among what yielded", function()
      local d = weir.Deferred()
      worker("a", 1 * MS, 2)
      weir.spawn(function() weir.await(d); t "woken"; spend(1 * MS) end)
      weir.spawn(function() weir.yield(); d:callback(); t "fires"; spend(1 * MS) end)
      worker("b", 1 * MS, 2)
      assert.are.equal("a1 fires", frame(2 * MS))
      assert.are.equal("b1 a2", frame(2 * MS))
      assert.are.equal("woken b2", frame(2 * MS))
    end)

    it("5.8 6.1 can be cancelled and paused before its frame comes", function()
      local b, c
      worker("a", 1 * MS, 1)
      b = worker("b", 1 * MS, 1)
      c = worker("c", 1 * MS, 1)
      worker("d", 1 * MS, 1)
      assert.are.equal("a1", frame(0))
      b:cancel()
      c:pause()
      assert.are.same({ "d1", nil }, { frame(1) })
      c:unpause()
      assert.are.equal("cancelled", b:status())
      assert.are.equal("c1", frame(1))
    end)
  end)

  describe("with more work in each frame than it has time", function()
    it("3.5 everybody has a turn before anybody has a second one", function()
      workers("abcde", 1 * MS, 3)
      local order = {}
      for _ = 1, 8 do order[#order + 1] = frame(2 * MS) end
      assert.are.same({ "a1 b1", "c1 d1", "e1 a2", "b2 c2", "d2 e2", "a3 b3", "c3 d3", "e3" }, order)
    end)

    it("3.5 two that wake each other without end keep nobody from his turn", function()
      local gates, over = { weir.Deferred(), weir.Deferred() }, false
      for i, name in ipairs { "x", "y" } do
        weir.spawn(function()
          repeat
            weir.await(gates[i])
            gates[i] = weir.Deferred()
            t(name)
            spend(1 * MS)
            gates[3 - i]:callback()
          until over
        end)
      end
      workers("ab", 1 * MS, 2)
      weir.spawn(function() weir.yield(); gates[1]:callback() end)
      assert.are.equal("a1 b1", frame(2 * MS))
      assert.are.equal("a2 b2", frame(2 * MS))
      assert.are.equal("x y", frame(2 * MS))
      worker("c", 1 * MS, 1)
      assert.are.equal("x c1", frame(2 * MS))
      over = true
    end)

    it("3.5 timers that are due have theirs, behind what was left before", function()
      for i, seconds in ipairs { 4 * MS, 2 * MS } do
        weir.spawn(function() weir.sleep(seconds); t("sleeper" .. i); spend(1 * MS) end)
      end
      workers("abc", 1 * MS, 4)
      local order = {}
      for _ = 1, 6 do order[#order + 1] = frame(2 * MS) end
      assert.are.same({ "a1 b1", "c1 a2", "b2 sleeper2", "c2 a3", "b3 sleeper1", "c3 a4" }, order)
    end)

    it("3.5 timers that are due again at once keep neither the others nor each other waiting", function()
      local over = false
      for name in ("xyz"):gmatch "." do
        weir.spawn(function()
          repeat
            weir.sleep(0.5 * MS)
            t(name)
            spend(1 * MS)
          until over
        end)
      end
      workers("ab", 1 * MS, 3)
      local order = {}
      for _ = 1, 7 do order[#order + 1] = frame(2 * MS) end
      assert.are.same({ "a1 b1", "a2 b2", "x y", "z a3", "b3 x", "y z", "x y" }, order)
      over = true
    end)

    it("3.5 7.2 those of a game clock under the real one too", function()
      local game = weir.Clock { speed = 2 }
      for i = 1, 3 do
        weir.spawn(function() game:sleep(2 * i * MS); t("game" .. i); spend(1 * MS) end)
      end
      workers("ab", 1 * MS, 5)
      local order = {}
      for _ = 1, 7 do order[#order + 1] = frame(2 * MS) end
      assert.are.same({ "a1 b1", "a2 b2", "game1 game2", "a3 b3", "game3 a4", "b4 a5", "b5" }, order)
    end)
  end)

  it("3.5 7.2 a manual clock that the host advances each frame: sleepers have their turns by the budget", function()
    local clock = h.manual()
    weir.inline(false)
    for i, seconds in ipairs { 2, 1, 2, 3 } do
      weir.spawn(function() weir.sleep(seconds); t("sleeper" .. i); spend(1 * MS) end)
    end
    weir.step()
    local order = {}
    for _ = 1, 5 do
      clock:advance(1)
      order[#order + 1] = frame(1 * MS)
    end
    assert.are.same({ "sleeper2", "sleeper1", "sleeper3", "sleeper4", "" }, order)
  end)

  it("7.3 a frame in which nothing is due tells how long that stays so", function()
    weir.spawn(function() weir.sleep(30 * MS); t "awake" end)
    local ran, left = frame(2 * MS)
    assert.are.equal("", ran)
    assert.are.equal(30 * MS, left)
    spend(10 * MS)
    ran, left = frame(2 * MS)
    assert.are.equal("", ran)
    assert.are.equal(20 * MS, left)
    spend(20 * MS)
    assert.are.same({ "awake", nil }, { frame(2 * MS) })
  end)
end)
