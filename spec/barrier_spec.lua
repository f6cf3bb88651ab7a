-- Contract 9.3 and rules 5, 6 and 8 for Barrier.
local weir = require "weir"
local h = require "spec.helper"
local line = require "spec.line"
local permits = require "spec.permits"

local MANY = h.scale(2e4)

describe("Barrier:", function()
  local clock, t, barrier

  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
    barrier = weir.Barrier(3)
  end)
  after_each(h.restore)

  -- Arrives; writes name and number, or name and error, into the trace.
  local function arrive(name)
    return barrier:wait():add_both(function(ok, v)
      t(name .. " " .. tostring(ok and v or v.name))
      if not ok then error(v, 0) end
      return v
    end)
  end

  local function arrive_all(...)
    local list = {}
    for i, name in ipairs { ... } do list[i] = arrive(name) end
    return list
  end

  local function comer(name, limit)
    return weir.spawn(function()
      local ok, v = pcall(weir.await, barrier:wait(), limit)
      t(name .. " " .. tostring(ok and v or v.name))
      if not ok then error(v, 0) end
    end)
  end

  describe("rounds", function()
    it("9.3 the last one to arrive releases all, numbered and in the order of arrival", function()
      arrive_all("a", "b")
      assert.are.same({}, t:list())
      local last = barrier:wait()
      assert.are.same({ "a 1", "b 2" }, t:list())
      assert.are.same({ 3, n = 1 }, table.pack(last:result()))
    end)

    it("9.3 is cyclic: each round takes n", function()
      local list = arrive_all("a", "b", "c", "d", "e", "f", "g")
      assert.are.equal("pending", list[7]:status())
      local numbers = {}
      for i = 1, 6 do numbers[i] = list[i]:result() end
      assert.are.same({ 1, 2, 3, 1, 2, 3 }, numbers)
    end)

    it("9.3 of one nobody waits", function()
      barrier = weir.Barrier(1)
      arrive_all("a", "b")
      assert.are.same({ "a 1", "b 1" }, t:list())
    end)

    it("3.5 coroutines run in the order of arrival, behind what the last one does before its await", function()
      for _, name in ipairs { "a", "b" } do comer(name) end
      weir.spawn(function()
        local d = barrier:wait()
        t "arrived"
        t("c " .. weir.await(d))
      end)
      assert.are.same({ "arrived", "c 3", "a 1", "b 2" }, t:list())
    end)

    it("3.5 all are released before the first of them runs", function()
      line.two_and_a_third(t, function() return barrier:wait() end)
      barrier:wait()
      assert.are.same({ "first", "second", "third" }, t:list())
    end)

    it("9.3 a callback that comes again is of the next round", function()
      local function again(name, rounds)
        barrier:wait():add_callback(function(v)
          t(name .. " " .. v)
          if rounds > 1 then again(name, rounds - 1) end
        end)
      end
      for _, name in ipairs { "a", "b", "c" } do again(name, 3) end
      local log, per_round = t:list(), {}
      assert.are.equal(9, #log)
      for i, entry in ipairs(log) do
        local round = (i + 2) // 3
        per_round[round] = (per_round[round] or 0) + tonumber(entry:match("%d"))
      end
      assert.are.same({ 6, 6, 6 }, per_round)
    end)

    it("9.3 coroutines that meet again and again stay in step", function()
      for i = 1, 3 do
        weir.spawn(function()
          for round = 1, 3 do
            weir.sleep(i)
            weir.await(barrier:wait())
            t(round)
          end
        end)
      end
      clock:advance(8)
      assert.are.same({ 1, 1, 1, 2, 2, 2 }, t:list())
      clock:advance(1)
      assert.are.same({ 1, 1, 1, 2, 2, 2, 3, 3, 3 }, t:list())
    end)

    it("8.4 n is an integer from 1 on", function()
      for _, wrong in ipairs { 0, -1, 1.5, 0 / 0, 1 / 0, "many", true, {}, h.ignore } do
        local err = h.raised(function() weir.Barrier(wrong) end)
        assert.matches("barrier_spec%.lua:%d+: bad argument #1 to 'Barrier'", err)
      end
      assert.matches("bad argument #1 to 'Barrier'", h.raised(function() weir.Barrier() end), 1, true)
    end)

    it("8.4 a wrong self is an argument error", function()
      permits.check_self(barrier, { "wait" }, { weir.Lock(), weir.Semaphore(1), weir.Queue(), weir.Event() })
    end)

    it("2.11 tostring names kind, address and state", function()
      local none, address = permits.state(barrier, "Barrier")
      barrier:wait()
      local one, same = permits.state(barrier, "Barrier")
      arrive_all("b", "c")
      assert.are.equal(address, same)
      assert.are_not.equal(none, one)
      assert.are.equal(none, (permits.state(barrier, "Barrier")))
    end)
  end)

  describe("cancel", function()
    it("9.3 one that leaves is not counted, those behind it move up", function()
      for _, leaving in ipairs { 1, 2 } do
        t, barrier = h.trace(), weir.Barrier(3)
        local list = arrive_all("a", "b")
        assert.is_true(list[leaving]:cancel())
        arrive_all("c")
        assert.are.equal(1, #t:list())
        arrive_all("d")
        local stays, left = table.unpack(leaving == 1 and { "b", "a" } or { "a", "b" })
        assert.are.same({ left .. " CancelledError", stays .. " 1", "c 2", "d 3" }, t:list())
      end
    end)

    it("9.3 when all have left a round begins anew", function()
      for _, d in ipairs(arrive_all("a", "b")) do d:cancel() end
      arrive_all("c", "d")
      assert.are.equal(2, #t:list())
      arrive_all("e")
      assert.are.same({ "a CancelledError", "b CancelledError", "c 1", "d 2", "e 3" }, t:list())
    end)

    it("5.2 so do a coroutine that is cancelled, its limit, its close, and a timeout", function()
      local cancelled, closed = comer("cancelled"), comer("closed")
      cancelled:cancel()
      closed:close()
      comer("limited", 1)
      arrive("timed"):timeout(2)
      clock:advance(2)
      arrive_all("a", "b")
      assert.are.same({ "cancelled CancelledError", "limited TimeoutError", "timed TimeoutError" }, t:list())
      arrive "c"
      assert.are.same({ "a 1", "b 2", "c 3" }, { table.unpack(t:list(), 4) })
    end)

    it("5.8 behind the release it has its number, the next wait is struck", function()
      local co = weir.spawn(function()
        t(weir.await(barrier:wait()))
        t(pcall(weir.sleep, 1))
      end)
      arrive "b"
      line.before_they_run(function() arrive "c"; t(co:cancel()) end)
      assert.are.same({ "b 2", "c 3", true, 1, false }, t:list())
    end)

    it("5.8 a wait that a cancel strikes before it began is not counted", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function() weir.await(gate); weir.await(barrier:wait()) end)
      line.before_they_run(function() gate:callback(); co:cancel() end)
      arrive_all("a", "b")
      assert.are.same({}, t:list())
      arrive "c"
      assert.are.same({ "a 1", "b 2", "c 3" }, t:list())
    end)

    it("2.2 one that somebody else fires has left", function()
      local list = arrive_all("a", "b")
      list[1]:callback("by hand")
      arrive_all("c", "d")
      assert.are.same({ "a by hand", "b 1", "c 2", "d 3" }, t:list())
    end)

    it("9.3 in a callback of the round itself it changes no number and is no part of the next round", function()
      local list = {}
      list[1] = barrier:wait():add_callback(function(v) t("a " .. v); list[2]:cancel() end)
      list[2] = barrier:wait()
      assert.are.equal(3, barrier:wait():result())
      arrive_all("d", "e")
      assert.are.same({ "a 1" }, t:list())
      arrive "f"
      assert.are.same({ "a 1", "d 1", "e 2", "f 3" }, t:list())
    end)
  end)

  describe("pause", function()
    it("9.3 one that is held counts, and gets its number when it is freed", function()
      local held = arrive("a"):pause()
      arrive_all("b", "c")
      assert.are.same({ "b 2", "c 3" }, t:list())
      held:unpause()
      assert.are.same({ "b 2", "c 3", "a 1" }, t:list())
    end)

    it("9.3 so does one whose coroutine is held; it is not in the next round", function()
      local held = comer "a"
      held:pause()
      arrive_all("b", "c", "d", "e")
      assert.are.same({ "b 2", "c 3" }, t:list())
      held:unpause()
      arrive "f"
      assert.are.same({ "b 2", "c 3", "a 1", "d 1", "e 2", "f 3" }, t:list())
    end)

    it("5.8 held, released and then cancelled: it has its number", function()
      local co = comer "a"
      co:pause()
      arrive_all("b", "c")
      assert.is_true(co:cancel())
      assert.are.same({ "b 2", "c 3", "a 1" }, t:list())
    end)

    it("9.3 held and cancelled before the release it is not counted", function()
      local held = arrive("a"):pause()
      held:cancel()
      arrive_all("b", "c")
      assert.are.same({ "a CancelledError" }, t:list())
      arrive "d"
      assert.are.same({ "a CancelledError", "b 1", "c 2", "d 3" }, t:list())
    end)
  end)

  describe("many", function()
    it(("2.4 %d are released flat and in order"):format(MANY), function()
      barrier = weir.Barrier(MANY)
      for i = 1, MANY do
        barrier:wait():add_callback(function(v) t(v) end)
        if i < MANY and #t:list() > 0 then error("released by " .. i) end
      end
      local log = t:list()
      for i = 1, MANY do
        if log[i] ~= i then error("out of order at " .. i) end
      end
    end)

    it(("2.4 %d leave, from the front, from the back"):format(MANY), function()
      for _, way in ipairs { { 1, MANY, 1 }, { MANY, 1, -1 } } do
        barrier = weir.Barrier(MANY + 1)
        local list = {}
        for i = 1, MANY do list[i] = barrier:wait() end
        for i = way[1], way[2], way[3] do list[i]:cancel() end
        for _ = 1, MANY do barrier:wait() end
        assert.are.equal(MANY + 1, barrier:wait():result())
      end
    end)

    it(("2.4 %d rounds, each begun in a callback of the one before"):format(MANY), function()
      local n = 0
      barrier = weir.Barrier(1)
      local function again()
        n = n + 1
        if n < MANY then barrier:wait():add_callback(again) end
      end
      barrier:wait():add_callback(again)
      assert.are.equal(MANY, n)
    end)
  end)

  describe("garbage:", function()
    local function wait(o) return o:wait() end
    line.garbage { busy = function() return weir.Barrier(2) end, wait = wait, serve = wait }
  end)
end)
