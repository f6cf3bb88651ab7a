-- Noreturn: cancelled on the way, in handlers, from deep inside, with many arguments, to what has failed.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local noreturn = weir.noreturn

local function guard(f) return setmetatable({}, { __close = f }) end
local function as_it_is(f) return f end

describe("hard: noreturn", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  local function never() t "never" end
  local function closer(name)
    return guard(function(_, err) t(name .. (err == nil and "" or ": " .. parts.reason(err))) end)
  end

  -- A coroutine that has gone on to f, which has not begun.
  local function stopped_at_hop(f)
    weir.inline(false)
    local co = weir.spawn(function()
      local _ <close> = closer "closed"
      noreturn(f, "argument")
    end)
    weir.inline(true)
    assert.are.equal(0, weir.step(0))
    return co
  end

  describe("cancelled before the first instruction of its target", function()
    for name, as in pairs { ["a function"] = as_it_is, ["a weir.coroutine function"] = weir.coroutine } do
      it("5.9 between two steps: it never runs; " .. name, function()
        local co = stopped_at_hop(as(never))
        parts.awaiter(t, "waiter", co)
        assert.are.same({ "closed" }, t:list())
        assert.are.equal("ready", co:status())
        assert.is_true(co:cancel("why"))
        assert.are.same({ "closed", "waiter saw why" }, t:list())
        assert.is_nil(weir.step())
        assert.are.equal("cancelled", co:status())
      end)

      it("5.9 by a handler that the noreturn runs: the other handlers run, it never; " .. name, function()
        local co = weir.spawn(function()
          local _ <close> = closer "outer"
          local _ <close> = guard(function() t(weir.current():cancel("why")) end)
          pcall(noreturn, as(never))
          never()
        end)
        assert.are.same({ true, "outer" }, t:list())
        assert.are.equal("cancelled", co:status())
        assert.are.equal("why", parts.failure(co).reason)
      end)
    end

    it("5.9 by another, which a handler wakes: it has begun by then, and is struck at its wait", function()
      local gate, co = weir.Deferred(), nil
      weir.spawn(function()
        weir.await(gate)
        t(co:cancel("why"))
      end)
      weir.spawn(function()
        co = weir.current()
        local _ <close> = guard(function() gate:callback() end)
        noreturn(parts.work, t, "target")
      end)
      assert.are.same({ true, "target asked: why", "target cleaned" }, t:list())
    end)

    it("4.2 while a pause keeps it from a Deferred: that is let go and cancelled", function()
      local d = parts.hooked(t, "d")
      local co = weir.spawn(function()
        local _ <close> = closer "closed"
        weir.current():pause()
        noreturn(d)
      end)
      assert.are.same({ "closed", "pause d" }, t:list())
      assert.is_true(co:cancel("why"))
      assert.are.same({ "closed", "pause d", "unpause d", "cancel d" }, t:list())
      assert.are.equal("why", parts.failure(co).reason)
      co:unpause()
    end)

    it("6.1 paused by a handler that the noreturn runs: it is held, and cancelled never runs", function()
      local function hop(f)
        local _ <close> = guard(function() weir.current():pause() end)
        noreturn(f)
      end
      local runs, is_cancelled = weir.spawn(hop, function() t "runs" end), weir.spawn(hop, never)
      assert.are.same({ "paused", "paused" }, { runs:status(), is_cancelled:status() })
      is_cancelled:cancel()
      runs:unpause()
      weir.step()
      assert.are.same({ "runs" }, t:list())
      assert.are.same({ "success", "cancelled" }, { runs:status(), is_cancelled:status() })
    end)
  end)

  describe("in a <close> handler", function()
    -- Its handler tries, behind an await if it is to wait, and so tells what was raised. Then comes f.
    local function trying(wait, f)
      return weir.spawn(function()
        local _ <close> = closer "outer"
        local _ <close> = guard(function()
          if wait then weir.sleep(1) end
          local ok, err = pcall(noreturn, never)
          t(ok)
          t(type(err))
        end)
        return f()
      end)
    end

    it("4.5 behind an await of the handler, at an end, an error and a cancel: raised at the call", function()
      local ends = {
        { "success", "outer", function() end },
        { "failure", "outer: e", function() error("e", 0) end },
        { "cancelled", "outer: why", function() weir.current():cancel("why"); weir.yield() end },
      }
      for i, case in ipairs(ends) do
        local co = trying(true, case[3])
        assert.are.equal("waiting", co:status())
        clock:advance(1)
        assert.are.same({ false, "string", case[2] }, { table.unpack(t:list(), 3 * i - 2) })
        assert.are.equal(case[1], co:status())
        co:add_errback(h.ignore)
      end
    end)

    it("4.5 as the handler itself: it raises, which is the Coroutine's failure", function()
      local co = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = noreturn, __call = never })
      end)
      assert.are.equal("failure", co:status())
      assert.are.same({}, t:list())
      assert.matches("noreturn", parts.failure(co))
    end)

    it("4.5 that a close or the end of the grace time runs: raised at the call", function()
      local forced = trying(false, function() while true do pcall(weir.await, weir.Deferred()) end end)
      local closed = trying(false, weir.yield)
      assert.is_true(closed:close())
      local once = t:list()
      assert.are.same({ false, "string" }, { table.unpack(once, 1, 2) })
      assert.are.equal(3, #once)
      forced:cancel(nil, 1)
      clock:advance(1)
      assert.are.same({ false, "string" }, { table.unpack(once, 4, 5) })
      assert.are.equal(6, #once)
      assert.are.same({ "cancelled", "cancelled" }, { closed:status(), forced:status() })
    end)

    it("4.1 by a coroutine that the handler starts: it is not in that handler, eager or queued", function()
      local function start()
        local inner = weir.spawn(function()
          local _ <close> = closer "inner closed"
          noreturn(function() t "inner's target" end)
        end)
        t(inner:status())
      end
      weir.spawn(function()
        do local _ <close> = guard(start) end
        t "behind the block"
        local _ <close> = guard(start) -- where nothing can suspend: 3.2
        noreturn(function() t "target" end)
      end)
      assert.are.same({
        "inner closed", "inner's target", "success", "behind the block",
        "ready", "target", "inner closed", "inner's target",
      }, t:list())
    end)
  end)

  describe("from deep inside", function()
    it("4.1 under three pcalls without any Lua in between", function()
      local co = weir.spawn(function()
        t(pcall(pcall, pcall, noreturn, function(...) t "target"; return ... end, 1, nil))
      end)
      assert.are.same({ "target" }, t:list())
      assert.are.same({ n = 2, 1, nil }, table.pack(co:result()))
    end)

    it("4.1 under three pcalls with handlers, behind a wait: closed from the inside, none returns", function()
      local gate = weir.Deferred()
      local function nested(level)
        local _ <close> = closer("closed " .. level)
        if level == 3 then
          weir.await(gate)
          noreturn(error, "the target's", 0)
        end
        t(pcall(nested, level + 1))
      end
      local co = weir.spawn(nested, 0)
      gate:callback()
      assert.are.same({ "closed 3", "closed 2", "closed 1", "closed 0" }, t:list())
      assert.are.equal("the target's", parts.failure(co))
    end)

    it("4.1 from a callee ten deep, whichever way it was called: all ten close, all ten are let go", function()
      local weak, down = parts.weak(), nil
      local function go(level) return down(level + 1) end
      local ways = {
        function(level) go(level) end,
        function(level) pcall(go, level) end,
        function(level) xpcall(go, never, level) end,
        function(level) return setmetatable({}, { __index = function() go(level) end }).field end,
        function(level) return setmetatable({}, { __call = function() go(level) end })() end,
        function(level) return setmetatable({}, { __lt = function() go(level) end }) < {} end,
        function(level) return setmetatable({}, { __concat = function() go(level) end }) .. "" end,
        function(level) for _ in go, level do never() end end,
        function(level) do local _ <close> = closer "block"; go(level) end end,
      }
      function down(level)
        local kept, _ <close> = { level }, closer(tostring(level))
        weak[kept] = true
        if level == 10 then noreturn(function() return h.released(weak) end) end
        ways[level](level)
        never()
        return kept
      end
      local co = weir.spawn(down, 1)
      assert.are.same({ "10", "block", "9", "8", "7", "6", "5", "4", "3", "2", "1" }, t:list())
      assert.is_true(co:result())
    end)
  end)

  describe("with a hundred arguments", function()
    -- A hundred values, tables and nils among them; the last is nil.
    local function hundred()
      local values = { n = 100 }
      for i = 1, 99 do
        if i % 3 == 0 then values[i] = { i } elseif i % 3 == 1 then values[i] = i end
      end
      return values
    end

    local function assert_same_values(values, ...)
      assert.are.equal(100, select("#", ...))
      for i = 1, 100 do assert.is_true(rawequal(values[i], (select(i, ...))), i) end
    end

    it("4.1 all arrive as they are: at once, held by a pause, between two steps, decorated", function()
      for _, as in ipairs { as_it_is, weir.coroutine } do
        for _, before in ipairs { h.ignore, function() weir.current():pause() end, weir.yield } do
          local values = hundred()
          local co = weir.spawn(function()
            before()
            noreturn(as(function(...) return ... end), table.unpack(values, 1, 100))
          end)
          h.collect()
          weir.step()
          pcall(co.unpause, co)
          weir.step()
          assert_same_values(values, co:result())
        end
      end
    end)

    it("4.3 a thousand hops that pass each other a hundred, turned by one place each time", function()
      local values = hundred()
      local function turn(hop, first, ...)
        if hop == 1000 then return first, ... end
        local rest = table.pack(...)
        rest[100] = first
        noreturn(turn, hop + 1, table.unpack(rest, 1, 100))
      end
      assert_same_values(values, weir.spawn(turn, 0, table.unpack(values, 1, 100)):result())
    end)

    it("4.2 a callable gets itself and the hundred", function()
      local values = hundred()
      local callable = setmetatable({}, { __call = function(self, ...)
        t(select("#", ...))
        return self, ...
      end })
      local co = weir.spawn(function() noreturn(callable, table.unpack(values, 1, 100)) end)
      assert.are.same({ 100 }, t:list())
      assert.is_true(rawequal(callable, (co:result())))
      assert_same_values(values, select(2, co:result()))
    end)
  end)

  describe("to a Deferred that has failed", function()
    it("4.2 its handlers run, its waiters see that error, which is reported for it alone", function()
      local err = {}
      local d, co = weir.fail(err), nil
      weir.spawn(function()
        co = weir.spawn(function()
          local _ <close> = closer "closed"
          weir.yield()
          t(pcall(noreturn, d))
        end)
        local _, seen = pcall(weir.await, co)
        t(rawequal(err, seen))
        error(seen, 0)
      end)
      weir.step()
      assert.are.same({ "closed", true }, t:list())
      assert.is_true(rawequal(err, parts.failure(co)))
      assert.are.same({ err }, parts.reported(reports))
    end)

    it("8.1 with nobody to see it: reported once, for the Coroutine", function()
      local d = weir.fail("e")
      local co = weir.spawn(noreturn, d)
      weir.step()
      h.collect()
      weir.step()
      assert.are.equal(1, #reports)
      assert.are.equal("e", reports[1].err)
      assert.is_true(rawequal(co, reports[1].d))
    end)

    it("1.1 with nil", function()
      local co = weir.spawn(noreturn, weir.fail(nil))
      assert.are.equal("failure", co:status())
      assert.are.same({ n = 2, false, nil }, table.pack(pcall(co.result, co)))
    end)

    it("2.8 with a cancel error: that is its outcome, though nobody cancelled it; nothing is reported", function()
      local d = weir.Deferred()
      d:cancel("other")
      local co = weir.spawn(function()
        local _ <close> = closer "closed"
        noreturn(d)
      end)
      assert.are.same({ "closed" }, t:list())
      assert.are.equal("cancelled", co:status())
      assert.are.equal("other", parts.failure(co).reason)
      assert.are.same({}, parts.reported(reports))
    end)

    it("6.1 and is held: told when that is free, and not before the Coroutine is", function()
      local d = weir.fail("e"):pause()
      local held = weir.spawn(noreturn, d)
      parts.watch(t, "free", weir.spawn(noreturn, d))
      parts.watch(t, "held", held:pause())
      assert.are.equal("paused", held:status())
      assert.are.same({}, t:list())
      d:unpause()
      assert.are.same({ "free failed: e" }, t:list())
      held:unpause()
      assert.are.same({ "free failed: e", "held failed: e" }, t:list())
    end)

    it("4.6 with a cancel pending: raised at the call, the Deferred's failure is nobody's", function()
      local co = weir.spawn(function()
        weir.current():cancel("why")
        local ok, err = pcall(noreturn, weir.fail("e"))
        t(ok)
        t(err.reason)
      end)
      assert.are.same({ false, "why" }, t:list())
      assert.are.equal("cancelled", co:status())
      h.collect()
      assert.are.same({ "e" }, parts.reported(reports))
    end)
  end)
end)
