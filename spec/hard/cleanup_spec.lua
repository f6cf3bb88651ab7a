-- A cancel that comes while a cleanup awaits; the end of its grace time; close of what cleans up.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local function guard(f) return setmetatable({}, { __close = f }) end

describe("hard: cleanup", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function traced(name, answer) return parts.traced(t, name, answer) end
  local function busy(...) return parts.busy(t, ...) end
  local function awaiter(...) return parts.awaiter(t, ...) end

  -- A coroutine that hangs in its cleanup when it is cancelled, until d ends, whatever comes of that.
  local function hanging(name, d, below)
    return weir.spawn(function()
      local _ <close> = guard(function() t(name .. " closed") end)
      pcall(weir.await, below or weir.Deferred())
      t(name .. " cleaning")
      local ok, v = pcall(weir.await, d)
      t(name .. (ok and " got " or " saw ") .. parts.reason(v))
    end)
  end

  local function assert_cancelled(reason, ...)
    for i, d in ipairs { ... } do
      assert.are.equal("cancelled", d:status(), i)
      assert.are.equal(reason, parts.failure(d).reason, i)
    end
  end

  describe("that awaits, and a cancel then", function()
    it("5.5 of itself or of one above it: false, and the cleanup goes on with what it awaits", function()
      local gate = traced "never asked"
      local inner = hanging("inner", gate)
      local outer = busy("outer", nil, inner)
      assert.is_true(outer:cancel("first"))
      for _, d in ipairs { outer, inner } do assert.is_false(d:cancel("again", 0)) end
      clock:advance(4) -- the grace time of the first cancel counts
      assert.are.same({ "inner cleaning" }, t:list())
      gate:callback("v")
      assert.are.same({
        "inner cleaning", "inner got v", "inner closed", "outer asked: first", "outer cleaned",
      }, t:list())
      assert_cancelled("first", inner, outer)
    end)

    it("5.6 of the Deferred that it awaits: an ordinary failure there", function()
      local gate = traced "gate"
      local co = hanging("co", gate)
      co:cancel("first")
      assert.is_true(gate:cancel("gate's own"))
      assert.are.same({ "co cleaning", "gate", "co saw gate's own", "co closed" }, t:list())
      assert_cancelled("first", co)
    end)

    it("5.6 of a coroutine that it awaits: that cleans up first, an ordinary failure there", function()
      local helper = busy("helper", weir.after(1))
      local co = hanging("co", helper)
      co:cancel("first")
      assert.is_true(helper:cancel("helper's own"))
      clock:advance(1)
      assert.are.same({
        "co cleaning", "helper asked: helper's own", "helper cleaned", "co saw helper's own", "co closed",
      }, t:list())
      assert_cancelled("first", co)
    end)

    it("5.2 of one that awaits the one that cleans up: struck behind that one's end", function()
      local gate = traced "never asked"
      local inner = hanging("inner", gate)
      local outer = busy("outer", nil, inner)
      inner:cancel("inner's own")
      assert.is_true(outer:cancel("outer's own"))
      assert.are.same({ "inner cleaning" }, t:list())
      gate:callback("v")
      assert.are.same({
        "inner cleaning", "inner got v", "inner closed", "outer asked: outer's own", "outer cleaned",
      }, t:list())
      assert_cancelled("inner's own", inner)
      assert_cancelled("outer's own", outer)
    end)

    -- Its handler awaits gate, and passes on what it sees if it is told so; the body ends as f does.
    local function closing(gate, passes_on, f)
      return weir.spawn(function()
        local _ <close> = guard(function(_, err)
          t("closing: " .. parts.reason(err))
          local ok, e = pcall(weir.await, gate)
          t(ok or parts.reason(e))
          if passes_on then error(e, 0) end
        end)
        return f()
      end)
    end

    it("5.5 in a handler behind an error: raised at its wait; if caught the error stands", function()
      for i, passes_on in ipairs { false, true } do
        local co = closing(traced "gate", passes_on, function() error("the body's", 0) end)
        assert.is_true(co:cancel("why"))
        assert.are.same({ "closing: the body's", "gate", "why" }, { table.unpack(t:list(), 3 * i - 2) })
        assert.are.equal(passes_on and "why" or "the body's", parts.reason(parts.failure(co)))
        assert.are.equal(passes_on and "cancelled" or "failure", co:status())
      end
    end)

    it("5.6 in a handler behind the body's return: caught, it ends cancelled all the same", function()
      local co = closing(traced "gate", false, function() return "v" end)
      assert.is_true(co:cancel("why"))
      assert.are.same({ "closing: nil", "gate", "why" }, t:list())
      assert_cancelled("why", co)
    end)

    it("3.3 with a limit of its own: the limit ends its wait, the cancel is no second time raised", function()
      local co = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        local _, err = pcall(weir.await, traced "gate", 2)
        t(err.name)
        weir.sleep(1)
        t "cleaned"
      end)
      co:cancel("first")
      clock:advance(1)
      assert.is_false(co:cancel("again"))
      clock:advance(2)
      assert.are.same({ "gate", "TimeoutError", "cleaned" }, t:list())
      assert_cancelled("first", co)
    end)
  end)

  describe("that outlasts the grace time", function()
    it("5.6 at every level is closed in one go, from the inside out, what it awaits first", function()
      local helper = busy("helper", nil, traced "helper's leaf")
      local inner = hanging("inner", helper)
      local middle = weir.spawn(function()
        local _ <close> = guard(function() t "middle closed" end)
        weir.await(inner)
      end)
      awaiter("outer", weir.shield(middle))
      assert.is_true(middle:cancel("why", 3))
      clock:advance(2.75)
      assert.are.same({ "inner cleaning" }, t:list())
      clock:advance(0.25)
      assert.are.same({
        "inner cleaning", "helper's leaf", "inner closed", "middle closed", "outer saw why",
      }, t:list())
      assert_cancelled("why", inner, middle)
      assert.are.equal("cancelled", helper:status())
      assert.are.same({}, parts.reported(reports))
    end)

    it("5.6 though it is paused, and what it awaits as well", function()
      local gate = parts.hooked(t, "gate")
      local co = hanging("co", gate)
      co:pause()
      co:cancel("why", 1)
      co:pause()
      gate:pause()
      clock:advance(1)
      assert.are.same({ "co cleaning", "pause gate", "unpause gate", "cancel gate", "co closed" }, t:list())
      assert_cancelled("why", co)
      co:unpause():unpause()
      gate:unpause()
    end)

    it("5.6 in two trees over one dependency: each at its own deadline, the last takes it along", function()
      local shared = traced "shared"
      local one, two = hanging("one", shared), hanging("two", shared)
      one:cancel("1", 1)
      two:cancel("2", 2)
      clock:advance(1)
      assert.are.same({ "one cleaning", "two cleaning", "one closed" }, t:list())
      clock:advance(1)
      assert.are.same({ "shared", "two closed" }, { table.unpack(t:list(), 4) })
      assert_cancelled("1", one)
      assert_cancelled("2", two)
    end)

    it("5.6 above one that was cancelled later: each has the time of its own cancel", function()
      local inner = hanging("inner", weir.Deferred())
      local outer = hanging("outer", weir.Deferred(), weir.shield(inner))
      outer:cancel("outer's own", 2)
      clock:advance(1)
      inner:cancel("inner's own", 2)
      clock:advance(1)
      assert.are.same({ "outer cleaning", "inner cleaning", "outer closed" }, t:list())
      clock:advance(1)
      assert.are.equal("inner closed", t:list()[4])
      assert_cancelled("outer's own", outer)
      assert_cancelled("inner's own", inner)
    end)

    it("5.6 while it runs: closed at its next wait, whatever that is, and not before", function()
      for _, wait in ipairs {
        function() weir.await(weir.Deferred()) end,
        weir.yield,
        coroutine.yield,
        function() clock:sleep(1) end,
      } do
        local co = weir.spawn(function()
          local _ <close> = guard(function()
            clock:sleep(1)
            coroutine.wrap(function() clock:advance(10) end)() -- no wait of ours
            t "goes on"
            pcall(wait)
            t "not here"
          end)
          weir.await(weir.Deferred())
        end)
        assert.is_true(co:cancel("stop", 5))
        clock:advance(1)
        assert.are.equal("cancelled", co:status())
        assert.are.same({ "goes on" }, t:list())
        t.log = {}
      end
    end)

    it("5.6 and has gone on by noreturn: the new body is closed", function()
      local co = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        weir.noreturn(function()
          local _ <close> = guard(function() t "closed" end)
          while true do pcall(weir.await, weir.Deferred()) end
        end)
      end)
      co:cancel("why", 1)
      assert.are.equal("waiting", co:status())
      clock:advance(1)
      assert.are.same({ "closed" }, t:list())
      assert_cancelled("why", co)
    end)

    it("8.1 and raises when it is closed: its outcome, reported once", function()
      local co = weir.spawn(function()
        local _ <close> = guard(function() error("in the handler", 0) end)
        while true do pcall(weir.await, weir.Deferred()) end
      end)
      co:cancel("why", 1)
      clock:advance(1)
      assert.are.equal("failure", co:status())
      assert.are.same({ "in the handler" }, parts.reported(reports))
    end)
  end)

  describe("that is closed", function()
    it("5.7 takes along what it awaits, as the last that does; who waits for it goes on", function()
      local helper = weir.spawn(function()
        local _ <close> = guard(function() t "helper closed" end)
        weir.await(traced "helper's leaf")
      end)
      local inner = hanging("inner", helper)
      local outer = busy("outer", nil, inner)
      outer:cancel("why")
      t(inner:close())
      assert.are.same({
        "inner cleaning", "helper's leaf", "helper closed", "inner closed",
        "outer asked: why", "outer cleaned", true,
      }, t:list())
      assert_cancelled("why", inner, outer)
    end)

    it("5.7 leaves what its cleanup shares with another", function()
      local shared = traced "never asked"
      local co = hanging("co", shared)
      awaiter("other", shared)
      co:cancel("why")
      assert.is_true(co:close())
      assert.are.same({ "co cleaning", "co closed" }, t:list())
      shared:callback("v")
      assert.are.same({ "other got v" }, { table.unpack(t:list(), 3) })
    end)

    it("5.7 at the top of the tree: all of it, from the inside out", function()
      local inner = hanging("inner", traced "gate")
      local outer = weir.spawn(function()
        local _ <close> = guard(function() t "outer closed" end)
        pcall(weir.await, inner)
        t "not reached"
      end)
      outer:cancel("why")
      assert.is_true(outer:close())
      assert.are.same({ "inner cleaning", "gate", "inner closed", "outer closed" }, t:list())
      assert_cancelled("why", inner, outer)
    end)

    it("5.7 in a handler that awaits: that one is cut off, the next ones run, without an error", function()
      local co = weir.spawn(function()
        local _ <close> = guard(function(_, err) t("second: " .. parts.reason(err)) end)
        local _ <close> = guard(function(_, err)
          local _ <close> = guard(function() t "within the first" end)
          t("first: " .. parts.reason(err))
          weir.sleep(1)
          t "not reached"
        end)
        weir.await(weir.Deferred())
      end)
      co:cancel("why")
      assert.is_true(co:close())
      assert.are.same({ "first: why", "within the first", "second: nil" }, t:list())
      clock:advance(10)
      assert.are.equal(3, #t:list())
      assert_cancelled("why", co)
    end)

    it("5.7 whose last handler raises: false and that error, which is its outcome", function()
      local co = weir.spawn(function()
        local _ <close> = guard(function() error("in the handler", 0) end)
        pcall(weir.await, weir.Deferred())
        weir.sleep(1)
      end)
      awaiter("waiter", co)
      co:cancel("why")
      assert.are.same({ false, "in the handler" }, { co:close() })
      assert.are.same({ "waiter saw in the handler" }, t:list())
      clock:advance(10)
      assert.are.same({ true, "failure" }, { co:close(), co:status() })
    end)

    it("5.7 by the very Deferred that its cleanup cancels: a no-op behind the end, nothing runs twice", function()
      local co
      local gate = traced("gate", function() t(co:close()) end)
      co = hanging("co", gate)
      co:cancel("why")
      gate:cancel("gate's own")
      assert.are.same({ "co cleaning", "gate", "co closed", true }, t:list())
      assert_cancelled("why", co)
      assert.are.equal("cancelled", gate:status())
    end)
  end)
end)
