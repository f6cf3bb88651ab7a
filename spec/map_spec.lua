-- Contract 9.1: weir.map. What it shares with the other combinators is in parts_spec.lua.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local MANY = h.scale(2e4)

local function identity(v) return v end

describe("map", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  local function traced(name, answer) return parts.traced(t, name, answer) end
  local function watch(d) return parts.watch(t, "it", d) end

  -- f for map: traces its call, waits at the gate of that element, traces and returns what came.
  local function gated(gates)
    return function(value)
      t("start " .. value)
      local result = weir.await(gates[value])
      t("end " .. value)
      return result
    end
  end

  local function gates_for(...)
    local gates = {}
    for _, name in ipairs { ... } do gates[name] = weir.Deferred() end
    return gates
  end

  -- f for map: waits for ever; cancelled, traces the reason and waits for the cleanup.
  local function worker(cleanup)
    return function(value) return parts.work(t, value, cleanup) end
  end

  describe("arguments", function()
    local function assert_refused(position, ...)
      local args = table.pack(...)
      local err = h.raised(function()
        weir.map(table.unpack(args, 1, args.n))
        return nil
      end)
      assert.matches("^[./]*spec/map_spec%.lua:%d+: bad argument #" .. position .. " to 'map' %(.+%)$", err)
    end

    it("8.4 what cannot be called is refused as f", function()
      assert_refused(2, {})
      for _, wrong in ipairs { 1, "x", {}, true, weir.Deferred() } do assert_refused(2, { 1 }, wrong) end
    end)

    it("9.1 a limit that is no positive integer is refused, nothing started", function()
      for _, wrong in ipairs { 0, -1, 1.5, 0.5, math.huge, 0 / 0, "x", {}, false, true } do
        assert_refused(3, { 1 }, t, wrong)
      end
      assert.are.same({}, t:list())
    end)

    it("9.1 a limit of nil is none", function()
      local gates = gates_for("a", "b", "c")
      weir.map({ "a", "b", "c" }, gated(gates), nil)
      assert.are.same({ "start a", "start b", "start c" }, t:list())
    end)

    it("9.1 f may be a table that can be called", function()
      local f = setmetatable({}, { __call = function(_, value, key) return value .. key end })
      assert.are.same({ "a1", x = "bx" }, weir.map({ "a", x = "b" }, f):result())
    end)

    it("9 the table is read once and not changed", function()
      local list, gate = { 1, 2, 3 }, weir.Deferred()
      local d = weir.map(list, function(value)
        t(value)
        list[3], list[4], list.x = 30, 40, 50
        weir.await(gate)
        return value
      end, 1)
      gate:callback()
      assert.are.same({ 1, 2, 3 }, t:list())
      assert.are.same({ 1, 2, 3 }, d:result())
      assert.are.same({ 1, 2, 30, 40, x = 50 }, list)
    end)
  end)

  describe("calls f", function()
    it("9.1 with value and key, in the order of keys", function()
      local pairs_seen = {}
      weir.map(parts.mixed(function(key) return tostring(key) .. "!" end), function(...)
        t(select(2, ...))
        pairs_seen[#pairs_seen + 1] = select("#", ...) .. (...)
      end)
      assert.are.same(parts.KEYS, t:list())
      assert.are.same(parts.list(#parts.KEYS, function(i) return "2" .. tostring(parts.KEYS[i]) .. "!" end), pairs_seen)
    end)

    it("3.2 at once, each up to its first wait, before map returns, in a coroutine too", function()
      local function both()
        weir.map({ 1, 2 }, function(value)
          t("start " .. value)
          weir.yield()
          t("end " .. value)
        end)
        t "map returned"
      end
      both()
      weir.spawn(both)
      local starts = { "start 1", "start 2", "map returned" }
      assert.are.same({ starts[1], starts[2], starts[3], starts[1], starts[2], starts[3] }, t:list())
      weir.step()
      assert.are.same({ "end 1", "end 2", "end 1", "end 2" }, { table.unpack(t:list(), 7) })
    end)

    it("3.2 in turn where it cannot switch: in a callback, and from a host that only queues", function()
      local function map() weir.map({ "a", "b" }, t) t "map returned" end
      weir.succeed():add_callback(map)
      assert.are.same({ "map returned", "a", "b" }, t:list())
      weir.inline(false)
      map()
      assert.are.equal("map returned", t:list()[4])
      assert.is_nil(t:list()[5])
      weir.step()
      assert.are.same({ "a", "b" }, { table.unpack(t:list(), 5) })
    end)

    it("9.1 as a Coroutine of its own, which may await", function()
      local seen = {}
      local d = weir.map({ 1, 2 }, function(value)
        seen[value] = weir.current()
        weir.sleep(value)
        return value * 10
      end)
      assert.is_true(weir.is_deferred(seen[1]) and weir.is_deferred(seen[2]) and seen[1] ~= seen[2])
      clock:advance(2)
      assert.are.same({ 10, 20 }, d:result())
    end)

    it("9.1 that is a weir.coroutine function", function()
      local gate = weir.Deferred()
      local body = weir.coroutine(function(value, key)
        weir.await(gate)
        return value .. key .. select(2, tostring(weir.current()):gsub("worker", ""))
      end, "worker")
      local d = weir.map({ x = "a", y = "b" }, body)
      gate:callback()
      assert.are.same({ x = "ax1", y = "by1" }, d:result())
    end)

    it("3.1 that returns a Deferred: its outcome counts", function()
      local inner = traced "inner"
      local d = weir.map({ 1, 2 }, function(v) return v == 1 and inner or weir.succeed("b", 2) end)
      assert.are.equal("pending", d:status())
      inner:callback("a", 1)
      assert.are.same({ "a", "b" }, d:result())
    end)

    it("4.1 that goes elsewhere by noreturn", function()
      local gate = weir.Deferred()
      local d = weir.map({ 1, 2 }, function(v)
        weir.noreturn(function(...) return weir.await(gate) + select("#", ...) + v end, "one", "two")
      end)
      gate:callback(10)
      assert.are.same({ 13, 14 }, d:result())
    end)
  end)

  describe("gives", function()
    it("9.1 the first value that f returned under each key, in a fresh table", function()
      local list = { 1, 2, x = 3 }
      local d = weir.map(list, function(v, key) if key ~= 2 then return v * 2, "more" end end)
      assert.are.same({ 2, nil, x = 6 }, d:result())
      assert.are.equal(1, select("#", d:result()))
      assert.is_false(rawequal(list, d:result()))
      assert.are.same({ false }, weir.map({ 1 }, function() return false end):result())
    end)

    it("9 an empty table at once for an empty one, f is not called", function()
      assert.are.same({}, weir.map({}, t):result())
      assert.are.same({}, weir.map({}, t, 1):result())
      assert.are.same({}, t:list())
    end)

    it("9.1 results by key, whoever ends first", function()
      local gates = gates_for("a", "b", "c")
      local d = weir.map({ "a", "b", x = "c" }, gated(gates))
      for _, name in ipairs { "c", "a", "b" } do gates[name]:callback(name .. "!") end
      assert.are.same({ "a!", "b!", x = "c!" }, d:result())
    end)
  end)

  describe("with a limit", function()
    it("9.1 of 1 takes one after the other, in the order of keys", function()
      local d = weir.map({ x = "x", [3] = 3, "1", [0.5] = "half", y = "y" }, function(value, key)
        t("start " .. key)
        weir.sleep(1)
        t("end " .. key)
        return value
      end, 1)
      clock:advance(10)
      assert.are.same({ "start 1", "end 1", "start 0.5", "end 0.5", "start 3", "end 3", "start x", "end x",
        "start y", "end y" }, t:list())
      assert.are.same({ "1", [0.5] = "half", [3] = 3, x = "x", y = "y" }, d:result())
    end)

    it("9.1 of 2 runs two, and starts the next when one of them has ended", function()
      local gates = gates_for("a", "b", "c", "d")
      local d = watch(weir.map({ "a", "b", "c", "d" }, gated(gates), 2))
      for _, name in ipairs { "b", "c", "a", "d" } do gates[name]:callback(name) end
      assert.are.same({ "start a", "start b", "end b", "start c", "end c", "start d", "end a", "end d", "it done" },
        t:list())
      assert.are.same({ "a", "b", "c", "d" }, d:result())
    end)

    it("9.1 of the number of elements, or more, starts all at once", function()
      for _, limit in ipairs { 3, 4, math.maxinteger } do
        local trace = t
        weir.map({ "a", "b", "c" }, function(v) trace(v) weir.await(weir.Deferred()) end, limit)
        assert.are.same({ "a", "b", "c" }, t:list())
        t = h.trace()
      end
    end)

    it("9.1 counts those whose result is still to come, not only those that run", function()
      local inner = weir.Deferred()
      weir.map({ 1, 2 }, function(v) t(v) return inner end, 1)
      assert.are.same({ 1 }, t:list())
      inner:callback()
      assert.are.same({ 1, 2 }, t:list())
    end)

    it("9.1 never has more of them at a time", function()
      local running, most = 0, 0
      local d = weir.map(parts.list(1000, identity), function(v)
        running = running + 1
        most = math.max(most, running)
        if v % 3 > 0 then weir.sleep(1 + v % 7) end
        running = running - 1
      end, 10)
      clock:advance(1000)
      assert.are.same({ "success", 10, 0 }, { d:status(), most, running })
    end)
  end)

  describe("with elements that are Deferreds", function()
    it("9.1 calls f with the value that came, in the order in which they came", function()
      local a, b, x = weir.Deferred(), weir.Deferred(), weir.Deferred()
      local d = weir.map({ a, b, "plain", x = x, y = weir.succeed("fired", 2) }, function(value, key)
        t(key)
        return value
      end)
      assert.are.same({ 3, "y" }, t:list())
      x:callback("c", 2)
      a:callback("a")
      b:callback()
      assert.are.same({ 3, "y", "x", 1, 2 }, t:list())
      assert.are.same({ "a", nil, "plain", x = "c", y = "fired" }, d:result())
    end)

    it("9.1 starts what comes later in the order in which it comes, behind those that were there", function()
      local gates, a, b = gates_for("a", "b", "c", "d"), weir.Deferred(), weir.Deferred()
      weir.map({ a, b, "c", "d" }, gated(gates), 1)
      b:callback("b")
      a:callback("a")
      for _, name in ipairs { "c", "d", "b", "a" } do gates[name]:callback() end
      assert.are.same({ "start c", "end c", "start d", "end d", "start b", "end b", "start a", "end a" }, t:list())
    end)

    it("9.1 does not take up room for those that are not there", function()
      local a = weir.Deferred()
      local d = weir.map({ a, 2, 3 }, function(v) t(v) return v end, 1)
      assert.are.same({ 2, 3 }, t:list())
      a:callback(1)
      assert.are.same({ 1, 2, 3 }, d:result())
    end)

    it("9.1 calls f once for each key under which it stands", function()
      local a = weir.Deferred()
      local d = weir.map({ a, a, x = a }, function(v, key) t(key) return v end)
      a:callback("v")
      assert.are.same({ 1, 2, "x" }, t:list())
      assert.are.same({ "v", "v", x = "v" }, d:result())
    end)

    it("9.1 fails with the failure of one; f is not called for it", function()
      local a, cleanup = weir.Deferred(), weir.Deferred()
      local d = watch(weir.map({ "w", a, traced "c" }, worker(cleanup)))
      a:errback("e")
      assert.are.same({ "c", "it failed: e", "w asked: e" }, t:list())
      assert.are.equal("e", parts.failure(d))
      assert.are.same({}, parts.reported(reports))
    end)

    it("9.1 fails at the call with one that had failed: nothing is started behind it", function()
      local d = weir.map({ 1, weir.fail("e"), 3, traced "d" }, function(v) t("start " .. v) return v end)
      for _, entry in ipairs(t:list()) do assert.are_not.equal("start 3", entry) end
      assert.are.equal("d", t:list()[#t:list()])
      assert.are.equal("e", parts.failure(d))
    end)

    it("5.3 leaves alone those for which others wait", function()
      local shared = traced "shared"
      local other = weir.spawn(weir.await, shared)
      assert.is_true(weir.map({ shared, traced "b" }, identity):cancel())
      assert.are.same({ "b" }, t:list())
      shared:callback("v")
      assert.are.equal("v", other:result())
    end)
  end)

  describe("fails", function()
    it("9.1 with the first failure of f; the rest is cancelled in the order of keys", function()
      local gate = weir.Deferred()
      local d = watch(weir.map({ "a", "b", x = "x", y = traced "y" }, function(v)
        if v == "b" then weir.await(gate) end
        return parts.work(t, v)
      end))
      gate:errback("e")
      assert.are.same({ "y", "it failed: e", "a asked: e", "a cleaned", "x asked: e", "x cleaned" }, t:list())
      assert.are.equal("e", parts.failure(d))
      assert.are.same({}, parts.reported(reports))
    end)

    it("9.1 without waiting for the cleanup of the rest", function()
      local gate, cleanup = weir.Deferred(), weir.Deferred()
      watch(weir.map({ "a", "b" }, function(v)
        if v == "b" then weir.await(gate) end
        return parts.work(t, v, cleanup)
      end))
      gate:errback("e")
      assert.are.same({ "it failed: e", "a asked: e" }, t:list())
      cleanup:callback()
      assert.are.same({ "it failed: e", "a asked: e", "a cleaned" }, t:list())
    end)

    it("9.1 and starts no more, with a limit and without", function()
      for _, limit in ipairs { 1, 2, 100 } do
        t = h.trace()
        local d = weir.map({ "a", "b", "c", "d" }, function(v)
          t(v)
          if v == "b" then error("e", 0) end
          if v == "a" and limit > 1 then weir.await(weir.Deferred()) end
        end, limit)
        assert.are.same({ "a", "b" }, t:list())
        assert.are.equal("e", parts.failure(d))
      end
    end)

    it("9.1 and starts no more when an element comes or a coroutine ends behind it", function()
      local a, gates = weir.Deferred(), gates_for("b", "c")
      local other = weir.spawn(weir.await, a)
      weir.map({ a, "b", "c", "d" }, gated(gates), 2):add_errback(h.ignore)
      gates.b:errback("e")
      a:callback("a")
      assert.are.same({ "start b", "start c" }, t:list())
      assert.are.equal("a", other:result())
    end)

    it("8.1 reports its failure once, and those of the rest", function()
      local gate = weir.Deferred()
      local d = weir.map({ "a", "b" }, function(v)
        pcall(weir.await, v == "b" and gate or weir.Deferred())
        error(v, 0)
      end)
      gate:callback()
      local errors = parts.reported(reports)
      table.sort(errors)
      assert.are.same({ "a", "b" }, errors)
      assert.are.equal("b", parts.failure(d))
      assert.are.equal(2, #parts.reported(reports))
    end)

    it("9.1 with a cancel error that came out of f, an ordinary failure", function()
      local gate = weir.Deferred()
      local d = watch(weir.map({ gate }, identity))
      gate:cancel("why")
      assert.are.same({ "it failed: why" }, t:list())
      assert.is_true(rawequal(parts.failure(gate), parts.failure(d)))
    end)

    it("9.1 when one of its coroutines is cancelled from outside", function()
      local cos = {}
      local d = weir.map({ 1, 2 }, function(v)
        cos[v] = weir.current()
        weir.await(weir.Deferred())
      end)
      cos[2]:cancel("why")
      assert.is_true(rawequal(parts.failure(cos[2]), parts.failure(d)))
      assert.are.equal("cancelled", cos[1]:status())
    end)
  end)

  describe("cancelled", function()
    it("9 cancels what runs and what it waits for, starts no more, and ends behind the cleanup", function()
      local cleanup = weir.Deferred()
      local d = watch(weir.map({ "a", traced "b", "c", "d" }, worker(cleanup), 2))
      assert.is_true(d:cancel("why"))
      assert.are.same({ "b", "a asked: why", "c asked: why" }, t:list())
      assert.are.equal("pending", d:status())
      cleanup:callback()
      assert.are.same({ "b", "a asked: why", "c asked: why", "a cleaned", "c cleaned", "it failed: why" }, t:list())
      assert.are.equal("why", parts.failure(d).reason)
    end)

    it("9 ends cancelled though f has caught it and returned", function()
      local d = weir.map({ 1, 2 }, function() pcall(weir.await, weir.Deferred()) end)
      assert.is_true(d:cancel("why"))
      assert.are.equal("cancelled", d:status())
    end)

    it("9 owns its coroutines: they end though others wait for them", function()
      local co
      local d = weir.map({ 1 }, function()
        co = weir.current()
        weir.await(weir.Deferred())
      end)
      parts.awaiter(t, "other", co)
      assert.is_true(d:cancel("why"))
      assert.are.same({ "other saw why" }, t:list())
      assert.are.equal("cancelled", d:status())
    end)

    it("9 by one of its own coroutines: that one ends too, no other is started", function()
      local d, gate = nil, weir.Deferred()
      d = watch(weir.map({ 1, 2, 3 }, function(v)
        t(v)
        weir.await(gate)
        t(tostring(d:cancel("why")))
        t(select(2, pcall(weir.await, weir.Deferred())).reason)
      end, 1))
      gate:callback()
      assert.are.same({ 1, "true", "why", "it failed: why" }, t:list())
    end)

    it("9 while f is being called, in a callback of the last element", function()
      local a, d = weir.Deferred(), nil
      a:add_callback(function() d:cancel("why") end)
      d = weir.map({ a }, t)
      a:callback()
      assert.are.equal("cancelled", d:status())
      assert.are.same({}, t:list())
    end)

    it("9 by the coroutine that awaits it", function()
      local co = parts.awaiter(t, "co", weir.map({ "a", "b" }, worker(), 1))
      assert.is_true(co:cancel("why"))
      assert.are.same({ "a asked: why", "a cleaned", "co saw why" }, t:list())
    end)

    it("5.6 closes by force what does not end in the grace time", function()
      local d = watch(weir.map({ "a", "b" }, function(v) return parts.stubborn(t, v) end))
      d:cancel("why", 1)
      clock:advance(1)
      assert.are.same({ "a closed", "b closed", "it failed: why" }, t:list())
    end)
  end)

  describe("paused", function()
    it("6.1 holds what runs", function()
      local d = weir.map({ 10, 20 }, function(v) weir.sleep(v) return v end)
      clock:advance(5)
      d:pause()
      clock:advance(100)
      d:unpause()
      clock:advance(14.5)
      assert.are.equal("pending", d:status())
      clock:advance(0.5)
      assert.are.same({ 10, 20 }, d:result())
    end)

    it("6.1 runs no body until it is unpaused, though an element has come", function()
      local shared = weir.Deferred()
      local other = weir.spawn(weir.await, shared)
      local d = weir.map({ shared, 2 }, function(v) t(v) return v end)
      d:pause()
      shared:callback(1)
      assert.are.same({ 2 }, t:list())
      assert.are.equal(1, other:result())
      d:unpause()
      assert.are.same({ 2, 1 }, t:list())
      assert.are.same({ 1, 2 }, d:result())
    end)

    it("6.1 by one of its own coroutines: it and those behind it go on when unpaused", function()
      local d, gate = nil, weir.Deferred()
      d = weir.map({ 1, 2, 3 }, function(v)
        if v == 1 then
          weir.await(gate)
          d:pause()
        end
        t(v)
        weir.yield()
        return v
      end, 1)
      gate:callback()
      weir.step()
      assert.are.same({ 1 }, t:list())
      d:unpause()
      for _ = 1, 5 do weir.step() end
      assert.are.same({ 1, 2, 3 }, t:list())
      assert.are.same({ 1, 2, 3 }, d:result())
    end)
  end)

  describe("is flat", function()
    it("2.4 when f never waits, over twenty thousand elements, whatever the limit", function()
      local list = parts.list(MANY, identity)
      for _, limit in ipairs { false, 1, 2, MANY } do
        local sum = 0
        local d = weir.map(list, function(v)
          sum = sum + v
          return v
        end, limit or nil)
        assert.are.equal(MANY, #d:result())
        assert.are.equal(MANY * (MANY + 1) // 2, sum)
      end
    end)

    it("2.4 when f never waits, in a coroutine and in a callback", function()
      local list, n = parts.list(MANY, identity), 0
      local function map() return weir.map(list, function() n = n + 1 end, 1) end
      assert.are.equal("success", weir.spawn(map):status())
      assert.are.equal("success", weir.succeed():add_callback(map):status())
      assert.are.equal(2 * MANY, n)
    end)

    it("2.4 when each ends on the next one's fire", function()
      local gates = parts.list(MANY, function() return weir.Deferred() end)
      local d = weir.map(parts.list(MANY, identity), function(v)
        weir.await(gates[v])
        if gates[v + 1] then gates[v + 1]:callback() end
        return v
      end)
      gates[1]:callback()
      assert.are.equal(MANY, #d:result())
    end)

    it("2.4 when all of twenty thousand wait, and are cancelled", function()
      local cancelled = 0
      local d = weir.map(parts.list(MANY, identity), function()
        local _ <close> = setmetatable({}, { __close = function() cancelled = cancelled + 1 end })
        weir.await(weir.Deferred())
      end)
      assert.is_true(d:cancel())
      assert.are.same({ "cancelled", MANY }, { d:status(), cancelled })
    end)

    it("2.4 when f maps in turn, twenty thousand deep", function()
      local gate, f = weir.Deferred(), nil
      function f(depth)
        if depth == 0 then return gate end
        return weir.map({ depth - 1 }, f)
      end
      local d = weir.map({ MANY }, f)
      assert.are.equal("pending", d:status())
      gate:callback("v")
      local result, depth = d:result(), 0
      while type(result) == "table" do result, depth = result[1], depth + 1 end
      assert.are.same({ "v", MANY + 1 }, { result, depth })
    end)

    it("5.2 when f awaits a map of itself, twenty thousand deep, cancelled", function()
      local inner, f = traced "inner", nil
      function f(depth)
        local result = weir.await(depth == 0 and inner or weir.map({ depth - 1 }, f))
        return result
      end
      local d = weir.map({ MANY }, f)
      assert.is_true(d:cancel("why"))
      assert.are.same({ "inner" }, t:list())
      assert.is_true(rawequal(parts.failure(d), parts.failure(inner)))
    end)
  end)

  describe("lets go", function()
    it("9 of elements and coroutines that have ended, while it goes on", function()
      local weak, d = setmetatable({}, { __mode = "k" }), nil
      local last = weir.Deferred()
      local function build()
        local list = parts.list(10, function() return {} end)
        list[11] = last
        for i = 1, 10 do weak[list[i]] = true end
        d = weir.map(list, function(v)
          if v ~= "last" then weak[weir.current()] = true end
        end)
      end
      build()
      assert.is_true(h.released(weak))
      last:callback("last")
      assert.are.equal("success", d:status())
    end)

    it("9 of everything when it has ended", function()
      local weak, d
      local function build()
        local list = { {}, weir.Deferred() }
        local function f(v) return weir.await(weir.succeed(#v)) end
        weak = parts.weak(list, list[1], list[2], f)
        d = weir.map(list, f)
        list[2]:callback("four")
      end
      build()
      assert.is_true(h.released(weak))
      assert.are.same({ 0, 4 }, d:result())
    end)

    it("3.8 abandoned, its coroutines are found and cancelled, each once", function()
      local function build()
        weir.map({ "a", "b" }, worker())
      end
      build()
      h.collect()
      weir.step()
      h.collect()
      weir.step()
      table.sort(t:list())
      assert.are.same({ "a asked: collected", "a cleaned", "b asked: collected", "b cleaned" }, t:list())
    end)

    it("3.8 not of what can still be reached through what f waits for", function()
      local gates = gates_for("a", "b")
      local function build()
        watch(weir.map({ "a", "b" }, gated(gates), 1))
      end
      build()
      h.collect()
      weir.step()
      gates.b:callback()
      gates.a:callback()
      assert.are.same({ "start a", "end a", "start b", "end b", "it done" }, t:list())
    end)
  end)
end)
