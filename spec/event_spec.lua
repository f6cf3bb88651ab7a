-- Contract 9.3 and rules 5, 6 and 8 for Event.
local weir = require "weir"
local h = require "spec.helper"
local line = require "spec.line"
local permits = require "spec.permits"

local MANY = h.scale(2e4)

local told, waiter = line.told, line.waiter

describe("Event:", function()
  local clock, t, event

  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
    event = weir.Event()
  end)
  after_each(h.restore)

  local function wait_all(n)
    local list = {}
    for i = 1, n do list[i] = told(t, i, event:wait()) end
    return list
  end

  describe("set, clear and is_set", function()
    it("9.3 it begins clear; set and clear are idempotent", function()
      local seen = { event:is_set() }
      for _, name in ipairs { "clear", "set", "set", "clear", "clear", "set" } do
        event[name](event)
        seen[#seen + 1] = event:is_set()
      end
      assert.are.same({ false, false, true, true, false, false, true }, seen)
    end)

    it("9.3 wait is over at once when it is set, with no values", function()
      event:set()
      assert.are.equal(0, select("#", event:wait():result()))
      event:clear()
      local waiting = event:wait()
      assert.are.equal("pending", waiting:status())
      event:set()
      assert.are.equal(0, select("#", waiting:result()))
    end)

    it("9.3 set wakes all that wait, in the order in which they came", function()
      wait_all(4)
      event:set()
      assert.are.same({ 1, 2, 3, 4 }, t:list())
    end)

    it("9.3 a second set, and a clear and a set, wake nobody twice", function()
      wait_all(2)
      event:set()
      event:set()
      event:clear()
      event:set()
      assert.are.same({ 1, 2 }, t:list())
    end)

    it("3.5 coroutines run in the order in which they came, behind what set them free", function()
      for i = 1, 3 do waiter(t, i, event:wait()) end
      line.before_they_run(function() event:set(); event:clear(); t "set and cleared" end)
      assert.are.same({ "set and cleared", 1, 2, 3 }, t:list())
    end)

    it("3.5 all that wait are woken before the first of them runs", function()
      line.two_and_a_third(t, function() return event:wait() end)
      event:set()
      assert.are.same({ "first", "second", "third" }, t:list())
    end)

    it("9.3 one that waits behind a clear waits for the next set", function()
      wait_all(1)
      event:set()
      event:clear()
      told(t, "next", event:wait())
      assert.are.same({ 1 }, t:list())
      event:set()
      assert.are.same({ 1, "next" }, t:list())
    end)

    it("9.3 a callback may clear it and wait again: all that waited are woken, once", function()
      local function again(n)
        event:wait():add_callback(function()
          t(n)
          event:clear()
          again(n + 1)
        end)
      end
      again(1)
      told(t, "other", event:wait())
      event:set()
      assert.are.same({ 1, "other" }, t:list())
      assert.is_false(event:is_set())
      event:set()
      assert.are.same({ 1, "other", 2 }, t:list())
    end)

    it("9.3 a callback may set it again inside: order and number stay", function()
      event:wait():add_callback(function()
        t "first"
        event:clear()
        told(t, "new", event:wait())
        event:set()
      end)
      told(t, "second", event:wait())
      event:set()
      local log = t:list()
      assert.are.equal("first", log[1])
      table.sort(log)
      assert.are.same({ "first", "new", "second" }, log)
      assert.is_true(event:is_set())
    end)

    it("8.4 a wrong self is an argument error", function()
      permits.check_self(event, { "set", "clear", "is_set", "wait" },
        { weir.Lock(), weir.Semaphore(1), weir.Queue(), weir.Barrier(1) })
    end)

    it("2.11 tostring names kind, address and state", function()
      local clear, address = permits.state(event, "Event")
      event:set()
      local set, same = permits.state(event, "Event")
      assert.are.equal(address, same)
      assert.are_not.equal(address, select(2, permits.state(weir.Event(), "Event")))
      assert.are_not.equal(clear, set)
    end)
  end)

  describe("cancel", function()
    it("9.3 whoever leaves, the others are woken in their order", function()
      local list = wait_all(5)
      for _, i in ipairs { 3, 1, 5 } do assert.is_true(list[i]:cancel()) end
      event:set()
      assert.are.same({ "3 CancelledError", "1 CancelledError", "5 CancelledError", 2, 4 }, t:list())
    end)

    it("5.2 of a coroutine, its limit and its close leave too", function()
      local cancelled, closed = waiter(t, "cancelled", event:wait()), waiter(t, "closed", event:wait())
      waiter(t, "limited", event:wait(), 1)
      waiter(t, "stays", event:wait(), 2)
      cancelled:cancel()
      closed:close()
      clock:advance(1)
      event:set()
      assert.are.same({ "cancelled CancelledError", "limited TimeoutError", "stays" }, t:list())
    end)

    it("3.3 at the instant of the set the one armed first wins", function()
      waiter(t, 1, event:wait(), 1)
      clock:after(1):add_callback(function() event:set(); event:clear() end)
      waiter(t, 2, event:wait(), 1)
      clock:advance(1)
      assert.are.same({ "1 TimeoutError", 2 }, t:list())
    end)

    it("5.8 behind the set: it has been woken, the next wait is struck", function()
      local co = weir.spawn(function()
        t(pcall(weir.await, event:wait()))
        t(pcall(weir.sleep, 1))
      end)
      line.before_they_run(function() event:set(); co:cancel() end)
      assert.are.same({ true, false }, t:list())
    end)

    it("2.2 one that somebody else fires is not woken again", function()
      local list = wait_all(3)
      list[2]:callback("by hand")
      event:set()
      assert.are.same({ 2, 1, 3 }, t:list())
      assert.are.equal("by hand", list[2]:result())
    end)

    it("5.1 in a callback of one before it comes too late: all have been woken", function()
      local list = {}
      list[1] = event:wait():add_callback(function() t(list[2]:cancel()) end)
      for i = 2, 3 do list[i] = told(t, i, event:wait()) end
      event:set()
      assert.are.same({ false, 2, 3 }, t:list())
    end)
  end)

  describe("pause", function()
    it("6.1 one that is held is woken when it is freed, also if it was cleared meanwhile", function()
      local list = wait_all(3)
      list[2]:pause()
      event:set()
      event:clear()
      assert.are.same({ 1, 3 }, t:list())
      list[2]:unpause()
      assert.are.same({ 1, 3, 2 }, t:list())
      assert.are.equal("success", list[2]:status())
    end)

    it("6.1 so is one whose coroutine is held, before the set and behind it", function()
      local before, behind = waiter(t, "before", event:wait()), waiter(t, "behind", event:wait())
      before:pause()
      line.before_they_run(function() event:set(); behind:pause() end)
      event:clear()
      assert.are.same({}, t:list())
      behind:unpause()
      before:unpause()
      assert.are.same({ "behind", "before" }, t:list())
    end)

    it("6.1 one that was not waiting at the set is not woken by it when it is freed", function()
      event:set()
      event:clear()
      local held = told(t, 1, event:wait()):pause()
      held:unpause()
      assert.are.same({}, t:list())
      event:set()
      assert.are.same({ 1 }, t:list())
    end)

    it("6.1 held by a callback of one before it: woken when it is freed", function()
      local list = {}
      list[1] = event:wait():add_callback(function() list[2]:pause() end)
      list[2] = told(t, 2, event:wait())
      event:set()
      event:clear()
      assert.are.same({}, t:list())
      list[2]:unpause()
      assert.are.same({ 2 }, t:list())
    end)

    it("5.9 one that is held and cancelled before the set is not woken", function()
      local held = told(t, 1, event:wait()):pause()
      held:cancel()
      event:set()
      assert.are.same({ "1 CancelledError" }, t:list())
    end)
  end)

  describe("many", function()
    it(("2.4 %d are woken flat and in order"):format(MANY), function()
      wait_all(MANY)
      event:set()
      local log = t:list()
      assert.are.equal(MANY, #log)
      for i = 1, MANY do
        if log[i] ~= i then error("out of order at " .. i) end
      end
    end)

    it(("2.4 %d leave, from the front, from the back, every other one"):format(MANY), function()
      for _, way in ipairs { { 1, MANY, 1 }, { MANY, 1, -1 }, { 1, MANY, 2 } } do
        local list, n, left = {}, 0, MANY
        event:clear()
        for i = 1, MANY do list[i] = event:wait():add_callback(function() n = n + 1 end) end
        for i = way[1], way[2], way[3] do list[i]:cancel(); left = left - 1 end
        event:set()
        assert.are.equal(left, n)
      end
    end)

    it(("2.4 %d times set in the callback of a waiter"):format(MANY), function()
      local n = 0
      local function again()
        n = n + 1
        if n == MANY then return end
        event:clear()
        event:wait():add_callback(again)
        event:set()
      end
      event:wait():add_callback(again)
      event:set()
      assert.are.equal(MANY, n)
    end)
  end)

  describe("garbage:", function()
    line.garbage {
      busy = weir.Event,
      wait = function(o) return o:wait() end,
      serve = function(o) o:set(); o:clear() end,
    }
  end)
end)
