-- Contract 9.1: weir.settle. What it shares with the other combinators is in parts_spec.lua.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local MANY = h.scale(2e4)

describe("settle", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function traced(name, answer) return parts.traced(t, name, answer) end
  local function watch(d) return parts.watch(t, "it", d) end

  describe("gathers", function()
    it("9.1 successes with true and failures with false, under the same keys", function()
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      local d = weir.settle { a, x = b, [2.5] = c }
      b:errback("b")
      c:callback("c")
      assert.are.equal("pending", d:status())
      a:callback("a")
      assert.are.same({ { true, "a" }, x = { false, "b" }, [2.5] = { true, "c" } }, d:result())
    end)

    it("9.1 under keys of every kind", function()
      local list = parts.mixed(function() return weir.Deferred() end)
      local d = weir.settle(list)
      for key, part in pairs(list) do part:callback(key) end
      assert.are.same(parts.mixed(function(key) return { true, key } end), d:result())
    end)

    it("9.1 all values of a success, those behind a nil too", function()
      local result = weir.settle({ weir.succeed(1, 2, 3), weir.succeed(), weir.succeed(nil, nil, 3) }):result()
      assert.are.same({ { true, 1, 2, 3 }, { true }, { true, nil, nil, 3 } }, result)
      assert.are.equal(3, result[3][4])
    end)

    it("1.1 errors as they are, nil included", function()
      local err = setmetatable({}, { __eq = function() return true end })
      local result = weir.settle({ weir.fail(err), weir.fail(nil), weir.fail(false) }):result()
      assert.is_true(rawequal(err, result[1][2]))
      assert.are.same({ { false }, { false, false } }, { result[2], result[3] })
    end)

    it("9 plain values as successes", function()
      local plain = { false, 0, h.ignore, x = weir.Clock() }
      local result = weir.settle(plain):result()
      for key, value in pairs(plain) do
        assert.is_true(result[key][1])
        assert.is_true(rawequal(value, result[key][2]))
      end
    end)

    it("9 at once with an empty table, or fired parts", function()
      assert.are.same({}, weir.settle({}):result())
      assert.are.same({ { true, 1 }, x = { false, "x" } }, weir.settle({ 1, x = weir.fail("x") }):result())
    end)

    it("9.1 in fresh tables, one for each key", function()
      local part = weir.succeed("v")
      local list = { part, part }
      local one, two = weir.settle(list):result(), weir.settle(list):result()
      assert.are.same({ { true, "v" }, { true, "v" } }, one)
      assert.is_false(rawequal(one, two) or rawequal(one[1], two[1]) or rawequal(one[1], one[2]))
      assert.is_false(rawequal(one, list))
      assert.is_nil(getmetatable(one) or getmetatable(one[1]))
    end)

    it("9.1 a part that stands under several keys", function()
      local part = weir.Deferred()
      local d = weir.settle { part, part, x = part }
      part:errback("e")
      assert.are.same({ { false, "e" }, { false, "e" }, x = { false, "e" } }, d:result())
    end)

    it("9.1 cancelled parts as failures; the others go on", function()
      local a, b = weir.Deferred(), traced "b"
      local d = weir.settle { a, b }
      a:cancel("why")
      assert.are.same({}, t:list())
      b:callback("b")
      local result = d:result()
      assert.is_true(rawequal(parts.failure(a), result[1][2]))
      assert.are.same({ false, { true, "b" } }, { result[1][1], result[2] })
    end)

    it("9.1 what came of Coroutines, in a coroutine", function()
      local result = weir.spawn(function()
        local good = weir.spawn(function() weir.sleep(2) return 1, 2 end)
        local bad = weir.spawn(function() weir.sleep(1) error("bad", 0) end)
        return weir.await(weir.settle { good, bad })
      end)
      clock:advance(2)
      assert.are.same({ { true, 1, 2 }, { false, "bad" } }, result:result())
    end)

    it("9.1 twenty thousand parts, fired backwards", function()
      local list = parts.list(MANY, function() return weir.Deferred() end)
      local d = weir.settle(list)
      for i = MANY, 1, -1 do list[i][i % 2 == 0 and "callback" or "errback"](list[i], i) end
      local right = 0
      for i, entry in ipairs(d:result()) do
        if entry[1] == (i % 2 == 0) and entry[2] == i then right = right + 1 end
      end
      assert.are.equal(MANY, right)
    end)

    it("8.1 failures, which are handled thereby", function()
      local a = weir.Deferred()
      local d = weir.settle { a, weir.fail("b") }
      a:errback("a")
      assert.are.same({ { false, "a" }, { false, "b" } }, d:result())
      h.collect()
      assert.are.same({}, parts.reported(reports))
    end)

    it("2.10 a circle as a failure of its part", function()
      local part = weir.Deferred()
      local d = weir.settle { part, 1 }
      part:add_callback(function() return d end)
      part:callback()
      assert.are.same({ false, "DeadlockError" }, { d:result()[1][1], d:result()[1][2].name })
    end)
  end)

  describe("cancelled", function()
    it("9 succeeds when every part that was asked answers with a success", function()
      local a = weir.Deferred()
      local d = weir.settle { a, traced("b", parts.succeed_with(1, 2)), x = traced("x", parts.succeed_with()) }
      a:callback("a")
      assert.is_true(d:cancel())
      assert.are.same({ "b", "x" }, t:list())
      assert.are.same({ { true, "a" }, { true, 1, 2 }, x = { true } }, d:result())
    end)

    it("9 ends cancelled when one of them does not, though others have settled", function()
      local a = weir.Deferred()
      local d = weir.settle { a, traced("b", parts.succeed_with(1)), traced "c" }
      a:callback("a")
      assert.is_true(d:cancel("why"))
      assert.are.same({ "b", "c" }, t:list())
      assert.are.equal("cancelled", d:status())
      assert.are.equal("why", parts.failure(d).reason)
    end)

    it("9 while a canceller fires another part: that one is not asked", function()
      local b = traced "b"
      local d = watch(weir.settle { traced("a", function() b:callback("b") end), b })
      assert.is_true(d:cancel("why"))
      assert.are.same({ "a", "it failed: why" }, t:list())
      assert.are.equal("b", b:result())
    end)

    it("9 ends cancelled when a part that is shared goes on", function()
      local shared = weir.Deferred()
      local other = weir.spawn(weir.await, shared)
      local d = weir.settle { traced("a", parts.succeed_with(1)), shared }
      assert.is_true(d:cancel("why"))
      assert.are.same({ "cancelled", "waiting" }, { d:status(), other:status() })
    end)
  end)
end)
