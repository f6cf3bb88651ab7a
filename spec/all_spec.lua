-- Contract 9.1: weir.all. What it shares with the other combinators is in parts_spec.lua.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local MANY = h.scale(2e4)

describe("all", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function traced(name, answer) return parts.traced(t, name, answer) end
  local function busy(name, cleanup) return parts.busy(t, name, cleanup) end
  local function watch(d) return parts.watch(t, "it", d) end

  describe("succeeds", function()
    it("9.1 with the values under the same keys, in whatever order they came", function()
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      local d = weir.all { a, x = b, [2.5] = c }
      c:callback(3)
      a:callback(1)
      assert.are.equal("pending", d:status())
      b:callback(2)
      assert.are.same({ 1, x = 2, [2.5] = 3 }, d:result())
    end)

    it("9.1 with keys of every kind", function()
      local list = parts.mixed(function() return weir.Deferred() end)
      local d = weir.all(list)
      for key, part in pairs(list) do part:callback(key) end
      assert.are.same(parts.mixed(function(key) return key end), d:result())
    end)

    it("9.1 with one value: the table, which is fresh", function()
      local list = { 1, 2, x = 3 }
      local one, two = weir.all(list), weir.all(list)
      assert.are.equal(1, select("#", one:result()))
      assert.are.same(list, one:result())
      assert.is_false(rawequal(list, one:result()))
      assert.is_false(rawequal(two:result(), one:result()))
      assert.is_nil(getmetatable(one:result()))
    end)

    it("9.1 with the first value of each part, nothing for none", function()
      local d = weir.all { weir.succeed(1, 2), weir.succeed(), weir.succeed(nil, 4), x = weir.succeed(false, 1) }
      assert.are.same({ 1, nil, nil, x = false }, d:result())
    end)

    it("9 with plain values of any type as they are", function()
      local plain = { false, 0, "s", {}, h.ignore, coroutine.create(h.ignore), io.stdout, weir.Clock(), x = weir }
      local d = weir.all(plain)
      assert.are.equal("success", d:status())
      for key, value in pairs(plain) do assert.is_true(rawequal(value, d:result()[key])) end
    end)

    it("9 at once with an empty table, or fired parts", function()
      assert.are.same({}, weir.all({}):result())
      assert.are.same({ 1, "p", x = 2 }, weir.all({ weir.succeed(1), "p", x = weir.succeed(2) }):result())
    end)

    it("9 with holes in the list", function()
      local part = weir.Deferred()
      local d = weir.all { nil, part, nil, 4 }
      part:callback(2)
      assert.are.same({ nil, 2, nil, 4 }, d:result())
    end)

    it("9.1 with a part that stands under several keys", function()
      local part = weir.Deferred()
      local d = weir.all { part, part, x = part, y = 1 }
      part:callback("v")
      assert.are.same({ "v", "v", x = "v", y = 1 }, d:result())
    end)

    it("9.1 with Coroutines as parts, awaited in one of them", function()
      local result = weir.spawn(function()
        local function slow(v) weir.sleep(v) return v, "more" end
        return weir.await(weir.all { weir.spawn(slow, 2), weir.spawn(slow, 1), x = weir.spawn(slow, 3) })
      end)
      clock:advance(2.5)
      assert.are.equal("waiting", result:status())
      clock:advance(0.5)
      assert.are.same({ 2, 1, x = 3 }, result:result())
    end)

    it("3.3 without a switch when all parts have fired", function()
      weir.spawn(function()
        weir.spawn(function() weir.yield(); t "other" end)
        t(#weir.await(weir.all { 1, weir.succeed(2) }))
      end)
      weir.step()
      assert.are.same({ 2, "other" }, t:list())
    end)

    it("9 over twenty thousand parts, fired backwards", function()
      local list = parts.list(MANY, function() return weir.Deferred() end)
      local d = weir.all(list)
      for i = MANY, 1, -1 do list[i]:callback(i) end
      assert.are.equal(MANY, #d:result())
      assert.are.same({ 1, MANY }, { d:result()[1], d:result()[MANY] })
    end)
  end)

  describe("fails", function()
    it("9.1 at once with the first failure, its error as it is", function()
      local err = {}
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      local d = weir.all { a, b, c }
      a:callback(1)
      b:errback(err)
      assert.is_true(rawequal(err, parts.failure(d)))
      assert.are.equal("failure", d:status())
    end)

    it("1.1 with an error that is nil", function()
      local d = weir.all { weir.Deferred(), weir.fail(nil) }
      assert.are.equal("failure", d:status())
      assert.is_nil(parts.failure(d))
    end)

    it("9.1 having cancelled the rest, in the order of keys, because of the failure", function()
      local list = parts.mixed(traced)
      local d = watch(weir.all(list))
      list[0.5]:errback("e")
      local expected = {}
      for _, key in ipairs(parts.KEYS) do
        if key ~= 0.5 then expected[#expected + 1] = key end
      end
      expected[#expected + 1] = "it failed: e"
      assert.are.same(expected, t:list())
      for key, part in pairs(list) do
        if key ~= 0.5 then assert.are.equal("e", parts.failure(part).reason) end
      end
      assert.are.equal("e", parts.failure(d))
    end)

    it("9.1 with one cancel error for the rest", function()
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      weir.all({ a, b, c }):add_errback(h.ignore)
      b:errback("e")
      assert.is_true(rawequal(parts.failure(a), parts.failure(c)))
    end)

    it("9.1 without waiting for the cleanup of the rest", function()
      local cleanup, b = weir.Deferred(), weir.Deferred()
      local a = busy("a", cleanup)
      watch(weir.all { a, b })
      b:errback("e")
      assert.are.same({ "it failed: e", "a asked: e" }, t:list())
      cleanup:callback()
      assert.are.same({ "it failed: e", "a asked: e", "a cleaned" }, t:list())
      assert.are.equal("cancelled", a:status())
    end)

    it("9 at the call when a part has failed: the lowest key counts, the rest is cancelled", function()
      local b, d = traced "b", traced "d"
      local whole = weir.all { "plain", b = b, d = d, a = weir.fail("a"), c = weir.fail("c") }
      assert.are.same({ "b", "d" }, t:list())
      assert.are.equal("a", parts.failure(whole))
      assert.are.equal("a", parts.failure(d).reason)
    end)

    it("9.1 with the cancel error of a part that somebody cancelled, an ordinary failure", function()
      local a, b = weir.Deferred(), traced "b"
      local co = parts.awaiter(t, "co", weir.all { a, b })
      a:cancel("why")
      assert.are.same({ "b", "co saw why" }, t:list())
      assert.is_true(rawequal(parts.failure(a), parts.failure(co)))
      assert.is_true(rawequal(parts.failure(a), parts.failure(b).reason))
    end)

    it("5.3 leaves alone a part of the rest that another waits for", function()
      local a, b, shared = weir.Deferred(), traced "b", traced "shared"
      local other = weir.spawn(weir.await, shared)
      weir.all { a, b, shared }:add_errback(h.ignore)
      a:errback("e")
      assert.are.same({ "b" }, t:list())
      shared:callback("v")
      assert.are.equal("v", other:result())
    end)

    it("9.1 once with a part that stands under several keys", function()
      local part, rest = traced "part", traced "rest"
      local d = watch(weir.all { part, rest, part })
      part:errback("e")
      assert.are.same({ "rest", "it failed: e" }, t:list())
      assert.are.equal("failure", d:status())
    end)

    it("8.1 handling the part's failure: its own is reported, once", function()
      local a = weir.Deferred()
      local d = weir.all { a, weir.Deferred() }
      a:errback("e")
      assert.are.same({ "e" }, parts.reported(reports))
      assert.are.equal(d, reports[1].d)
      assert.are.same({ "e" }, parts.reported(reports))
    end)

    it("8.1 failures of the rest are reported, once each, answers of their cancellers too", function()
      local a, b = weir.Deferred(), traced("b", parts.raise "b")
      local c = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        error("c", 0)
      end)
      weir.all({ a, b, c }):add_errback(h.ignore)
      a:errback("a")
      assert.are.same({ "b", "c" }, parts.reported(reports))
      assert.are.same({ "b", "c" }, parts.reported(reports))
    end)

    it("8.1 a failure that was there beside the first one is reported", function()
      local d = weir.all { weir.fail("a"), weir.fail("b") }
      assert.are.equal("a", parts.failure(d))
      h.collect()
      assert.are.same({ "b" }, parts.reported(reports))
    end)

    it("8.1 a failure of a shared part of the rest, later, is the other's", function()
      local a, shared = weir.Deferred(), weir.Deferred()
      local other = parts.awaiter(t, "other", shared)
      weir.all { a, shared }:add_errback(h.ignore)
      a:errback("a")
      shared:errback("shared")
      assert.are.same({ "other saw shared" }, t:list())
      assert.are.same({ "shared" }, parts.reported(reports))
      assert.are.equal(other, reports[1].d)
    end)

    it("9.1 and stays so, whatever the rest's cancellers answer", function()
      local a = weir.Deferred()
      local d = watch(weir.all { a, traced("b", parts.succeed_with "v"), traced("c", parts.fail_with "c") })
      a:errback("a")
      assert.are.same({ "b", "c", "it failed: a" }, t:list())
      assert.are.equal("a", parts.failure(d))
      assert.are.same({ "c" }, parts.reported(reports))
    end)

    it("9.1 and stays so when a canceller of the rest cancels it", function()
      local a, d = weir.Deferred(), nil
      local function again() d:cancel("again") end
      d = watch(weir.all { a, traced("b", again), traced("c", again) })
      a:errback("a")
      assert.are.same({ "b", "c", "it failed: a" }, t:list())
      assert.are.equal("a", parts.failure(d))
    end)

    it("9.1 while a canceller of the rest fires another part: that one is not cancelled", function()
      local a, c = weir.Deferred(), traced "c"
      watch(weir.all { a, traced("b", function() c:callback("c") end), c })
      a:errback("a")
      assert.are.same({ "b", "it failed: a" }, t:list())
      assert.are.equal("c", c:result())
    end)

    it("9.1 while a canceller of the rest adds to it: told at the end, in order", function()
      local a, d = weir.Deferred(), nil
      local function add()
        d:add_errback(function(err) t("added: " .. err); error(err, 0) end)
        parts.awaiter(t, "co", d)
      end
      d = watch(weir.all { a, traced("b", add) })
      a:errback("a")
      assert.are.same({ "b", "it failed: a", "added: a", "co saw a" }, t:list())
    end)

    it("2.4 with twenty thousand left to cancel, one answering after the other", function()
      local list = parts.list(MANY, function(i) return traced(i) end)
      local d = weir.all(list)
      list[1]:errback("e")
      assert.are.equal(table.concat(parts.list(MANY - 1, function(i) return i + 1 end), " "),
        table.concat(t:list(), " "))
      assert.are.equal("e", parts.failure(d))
    end)

    it("2.4 nested twenty thousand deep, each level having something to cancel", function()
      local inner, cancelled = weir.Deferred(), 0
      local d = parts.nest(MANY, inner, function(d)
        return weir.all { weir.Deferred(function() cancelled = cancelled + 1 end), d }
      end)
      inner:errback("e")
      assert.are.equal("e", parts.failure(d))
      assert.are.equal(MANY, cancelled)
    end)

    it("9 letting go of the rest and of the table", function()
      local weak, d
      local function build()
        local a, rest = weir.Deferred(), weir.Deferred()
        local list = { a, rest }
        weak = parts.weak(a, rest, list)
        d = weir.all(list)
        a:errback("e")
      end
      build()
      assert.is_true(h.released(weak))
      assert.are.equal("e", parts.failure(d))
    end)

    it("9 and is not kept by a shared part of the rest that goes on", function()
      local weak, shared = nil, weir.Deferred()
      local other = weir.spawn(weir.await, shared)
      local function build()
        local a = weir.Deferred()
        local d = weir.all { a, shared }:add_errback(h.ignore)
        weak = parts.weak(a, d)
        a:errback("e")
      end
      build()
      assert.is_true(h.released(weak))
      assert.are.equal("waiting", other:status())
    end)

    it("6.3 when it was paused: told on unpause, with the rest cancelled by then", function()
      local shared, rest = weir.Deferred(), traced "rest"
      local d = watch(weir.all { shared, rest })
      local other = weir.spawn(weir.await, shared)
      d:pause()
      shared:errback("e")
      assert.are.same({ "failure", "pending" }, { other:status(), d:status() })
      d:unpause()
      assert.are.same({ "rest", "it failed: e" }, t:list())
    end)

    it("6.3 and frees the hold on what it left to others", function()
      local a, shared = weir.Deferred(), parts.hooked(t, "shared")
      local co = weir.spawn(weir.await, shared)
      weir.all { a, shared }:add_errback(h.ignore)
      co:pause()
      assert.are.same({}, t:list())
      a:errback("e")
      assert.are.same({ "pause shared" }, t:list())
      co:unpause()
    end)

    it("2.10 with a DeadlockError when a part comes to wait on it", function()
      local part = weir.Deferred()
      local d = weir.all { part }
      part:add_callback(function() return d end)
      part:callback()
      assert.are.equal("DeadlockError", parts.failure(d).name)
    end)
  end)

  describe("cancelled", function()
    it("9 succeeds when every part that was asked answers with a success", function()
      local d = weir.all { traced("a", parts.succeed_with(1, 2)), "p", x = traced("x", parts.succeed_with()) }
      assert.is_true(d:cancel())
      assert.are.same({ "a", "x" }, t:list())
      assert.are.same({ 1, "p" }, d:result())
    end)

    it("9 ends cancelled when one of them does not", function()
      local d = weir.all { traced("a", parts.succeed_with(1)), traced "b", traced("c", parts.succeed_with(3)) }
      assert.is_true(d:cancel("why"))
      assert.are.same({ "a", "b", "c" }, t:list())
      assert.are.equal("why", parts.failure(d).reason)
      assert.are.equal("cancelled", d:status())
    end)

    it("9 ends cancelled when a part that is shared goes on", function()
      local shared = weir.Deferred()
      local other = weir.spawn(weir.await, shared)
      local d = weir.all { traced("a", parts.succeed_with(1)), shared }
      assert.is_true(d:cancel("why"))
      assert.are.equal("cancelled", d:status())
      assert.are.equal("waiting", other:status())
    end)

    it("5.2 delivers a success to the coroutine that awaits it, which is struck at its next wait", function()
      local co = weir.spawn(function()
        t(weir.await(weir.all { traced("a", parts.succeed_with "kept") })[1])
        t(select(2, pcall(weir.await, weir.Deferred())).reason)
      end)
      assert.is_true(co:cancel("why"))
      assert.are.same({ "a", "kept", "why" }, t:list())
      assert.are.equal("cancelled", co:status())
    end)

    it("9 while a canceller fires another part: that one is not asked", function()
      local b = traced "b"
      local d = weir.all { traced("a", function() b:callback("b") end), b }
      assert.is_true(d:cancel("why"))
      assert.are.same({ "a" }, t:list())
      assert.are.same({ "cancelled", "b" }, { d:status(), b:result() })
    end)

    it("9 with some parts fired before: the others are asked", function()
      local a, b = traced "a", traced "b"
      local d = weir.all { a, b }
      a:callback("a")
      assert.is_true(d:cancel("why"))
      assert.are.same({ "b" }, t:list())
      assert.are.equal("cancelled", d:status())
    end)

    it("9 a failure of a part that cleans up decides nothing, it waits for the others", function()
      local cleanup = weir.Deferred()
      local a = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        error("a", 0)
      end)
      local d = watch(weir.all { a, busy("b", cleanup) })
      d:cancel("why")
      assert.are.same({ "b asked: why" }, t:list())
      cleanup:callback()
      assert.are.same({ "b asked: why", "b cleaned", "it failed: why" }, t:list())
      assert.are.same({ "a" }, parts.reported(reports))
    end)
  end)

  describe("in a traceback", function()
    it("8.2 a part's stack is followed by that of the coroutine that awaits the whole", function()
      local gate = weir.Deferred()
      local inner = weir.spawn(function() weir.await(gate) end)
      local function asks_for_all() return (weir.await(weir.all { inner })) end
      weir.spawn(function() return (asks_for_all()) end)
      assert.matches("awaited by:.*asks_for_all", inner:traceback())
    end)
  end)

  describe("with the others", function()
    local WRAPS = {
      function(d) return weir.all { d } end,
      function(d) return weir.settle { d } end,
      function(d) return weir.race { weir.Deferred(), d } end,
      function(d) return weir.any { d, weir.Deferred() } end,
      function(d) return weir.map({ d }, function(v) return v end) end,
      function(d) return weir.scope(function(scope) return weir.await(scope:spawn(weir.await, d)) end) end,
    }

    local function mixed_nest(inner)
      return parts.nest(MANY, inner, function(d, i) return WRAPS[i % #WRAPS + 1](d) end)
    end

    it("2.4 nested in each other twenty thousand deep, fired", function()
      local inner = weir.Deferred()
      local d = watch(mixed_nest(inner))
      inner:callback("v")
      assert.are.same({ "it done" }, t:list())
      assert.are.equal("success", d:status())
    end)

    it("5.2 nested in each other twenty thousand deep, cancelled", function()
      local inner = traced "inner"
      local d = mixed_nest(inner)
      assert.is_true(d:cancel("why"))
      assert.are.same({ "inner" }, t:list())
      assert.is_true(rawequal(parts.failure(d), parts.failure(inner)))
    end)

    it("6.4 nested in each other twenty thousand deep, paused", function()
      local inner = parts.hooked(t, "inner")
      local d = mixed_nest(inner)
      d:pause()
      d:unpause()
      assert.are.same({ "pause inner", "unpause inner" }, t:list())
      assert.are.equal("pending", d:status())
    end)
  end)
end)
