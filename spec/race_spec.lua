-- Contract 9.1: weir.race. What it shares with the other combinators is in parts_spec.lua.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local MANY = h.scale(2e4)

describe("race", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function traced(name, answer) return parts.traced(t, name, answer) end
  local function busy(name, cleanup) return parts.busy(t, name, cleanup) end
  local function watch(d) return parts.watch(t, "it", d) end

  it("9.1 of nobody is an argument error", function()
    local err = h.raised(function() weir.race {} end)
    assert.matches("^[./]*spec/race_spec%.lua:%d+: bad argument #1 to 'race' %(.+%)$", err)
  end)

  describe("is won", function()
    it("9.1 by the first success, all its values as they are", function()
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      local d = weir.race { a, x = b, c }
      assert.are.equal("pending", d:status())
      b:callback(1, nil, 3, nil)
      assert.are.same({ 1, nil, 3, nil, n = 4 }, table.pack(d:result()))
    end)

    it("9.1 by a success without values", function()
      local a = weir.Deferred()
      local d = weir.race { weir.Deferred(), a }
      a:callback()
      assert.are.equal(0, select("#", d:result()))
    end)

    it("9.1 by the first failure, its error as it is", function()
      for _, err in ipairs { {}, "e", false } do
        local a = weir.Deferred()
        local d = weir.race { weir.Deferred(), a }
        a:errback(err)
        assert.is_true(rawequal(err, parts.failure(d)))
      end
    end)

    it("9.1 by the lowest key among those already fired, success or failure", function()
      local function winner(list)
        local d = weir.race(list)
        return select(2, pcall(d.result, d))
      end
      assert.are.equal(2, winner { weir.Deferred(), weir.succeed(2), weir.succeed(3), x = 4 })
      assert.are.equal("e", winner { weir.Deferred(), weir.fail("e"), 3 })
      assert.are.equal(-1, winner { x = "x", [0] = 0, [-1] = -1, [0.5] = 0.5 })
      assert.are.equal("10", winner { ["9"] = "9", ["10"] = "10", a = "a" })
      assert.are.equal(1, winner(parts.mixed(function(key) return key end)))
    end)

    it("9 by a plain value, of any type", function()
      for _, value in ipairs { 1, "s", {}, h.ignore } do
        assert.is_true(rawequal(value, weir.race({ weir.Deferred(), value }):result()))
      end
      assert.is_false(weir.race({ false, weir.fail("e") }):result())
    end)

    it("9.1 at the call by a fired one, the pending ones being cancelled within it, in order", function()
      local list = parts.mixed(traced)
      list[10] = weir.succeed("v")
      local d = weir.race(list)
      local losers = {}
      for _, key in ipairs(parts.KEYS) do
        if key ~= 10 then losers[#losers + 1] = key end
      end
      assert.are.same(losers, t:list())
      assert.are.equal("v", d:result())
    end)

    it("9.1 by the first of two Coroutines", function()
      local function slow(v) weir.sleep(v) return v end
      local d = weir.race { weir.spawn(slow, 2), weir.spawn(slow, 1) }
      clock:advance(1)
      assert.are.equal(1, d:result())
      assert.is_nil(weir.step()) -- the loser's timer is gone
    end)

    it("9.1 by a part that stands under several keys", function()
      local part, loser = traced "part", traced "loser"
      local d = watch(weir.race { part, loser, part })
      part:callback("v")
      assert.are.same({ "loser", "it done" }, t:list())
      assert.are.equal("v", d:result())
    end)

    it("9.1 by a cancelled part: an ordinary failure", function()
      local a, b = weir.Deferred(), traced "b"
      local co = parts.awaiter(t, "co", weir.race { a, b })
      a:cancel("why")
      assert.are.same({ "b", "co saw why" }, t:list())
      assert.is_true(rawequal(parts.failure(a), parts.failure(co)))
    end)

    it("6.3 when all are held, told on unpause", function()
      local shared, loser = weir.Deferred(), traced "loser"
      local d = watch(weir.race { loser, shared })
      local other = weir.spawn(weir.await, shared)
      d:pause()
      shared:callback("v")
      assert.are.same({ "success", "pending" }, { other:status(), d:status() })
      d:unpause()
      assert.are.same({ "loser", "it done" }, t:list())
      assert.are.equal("v", d:result())
    end)
  end)

  describe("cancels the losers", function()
    it("9.1 before it fires, in the order of keys, with one error, its reason 'lost'", function()
      for _, fire in ipairs { "callback", "errback" } do
        t = h.trace()
        local list = parts.mixed(traced)
        local d = watch(weir.race(list))
        list["9"][fire](list["9"], "v")
        local expected, err = {}, parts.failure(list[1])
        for _, key in ipairs(parts.KEYS) do
          if key ~= "9" then
            expected[#expected + 1] = key
            assert.is_true(rawequal(err, parts.failure(list[key])))
          end
        end
        expected[#expected + 1] = fire == "callback" and "it done" or "it failed: v"
        assert.are.same(expected, t:list())
        assert.are.same({ "CancelledError", "lost" }, { err.name, err.reason })
        assert.are.equal("v", select(2, pcall(d.result, d)))
      end
    end)

    it("9.1 without waiting for their cleanup", function()
      local cleanup, b = weir.Deferred(), weir.Deferred()
      local a = busy("a", cleanup)
      watch(weir.race { a, b })
      b:callback("b")
      assert.are.same({ "it done", "a asked: lost" }, t:list())
      cleanup:callback()
      assert.are.same({ "it done", "a asked: lost", "a cleaned" }, t:list())
      assert.are.equal("cancelled", a:status())
    end)

    it("5.3 but not one for which another waits", function()
      local a, shared = weir.Deferred(), traced "shared"
      local other = weir.spawn(weir.await, shared)
      weir.race { shared, a }
      a:callback()
      assert.are.same({}, t:list())
      shared:callback("v")
      assert.are.equal("v", other:result())
    end)

    it("9.1 whose answers change nothing", function()
      local a = weir.Deferred()
      local d = watch(weir.race { traced("b", parts.succeed_with "b"), a, traced("c", parts.fail_with "c") })
      a:callback("a")
      assert.are.same({ "b", "c", "it done" }, t:list())
      assert.are.equal("a", d:result())
      assert.are.same({ "c" }, parts.reported(reports))
    end)

    it("9.1 whose cancellers may cancel it, fire each other or add to it: it stays won", function()
      local a, c, d = weir.Deferred(), traced "c", nil
      local function meddle()
        d:cancel("again")
        c:callback("c")
        parts.awaiter(t, "co", d)
      end
      d = watch(weir.race { a, traced("b", meddle), c })
      a:callback("a")
      assert.are.same({ "b", "it done", "co got a" }, t:list())
      assert.are.same({ "a", "c" }, { d:result(), c:result() })
    end)

    it("8.1 whose failures are reported, once each", function()
      local a = weir.Deferred()
      local b = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        error("b", 0)
      end)
      weir.race { a, b, traced("c", parts.raise "c"), traced "d" }
      a:callback("a")
      local errors = parts.reported(reports)
      table.sort(errors)
      assert.are.same({ "b", "c" }, errors)
      assert.are.equal(2, #parts.reported(reports))
    end)

    it("8.1 the failure of one that had already failed is reported", function()
      local d = weir.race { "a", weir.fail("b") }
      assert.are.equal("a", d:result())
      h.collect()
      assert.are.same({ "b" }, parts.reported(reports))
    end)

    it("8.1 the winner's failure is the whole's: reported once", function()
      local a = weir.Deferred()
      local d = weir.race { a, weir.Deferred() }
      a:errback("a")
      assert.are.same({ "a" }, parts.reported(reports))
      assert.are.equal(d, reports[1].d)
      assert.are.same({ "a" }, parts.reported(reports))
    end)

    it("9 and lets go of them, of the winner and of the table", function()
      local weak, d
      local function build()
        local a, loser = weir.Deferred(), weir.Deferred()
        local list = { a, loser }
        weak = parts.weak(a, loser, list)
        d = weir.race(list)
        a:callback("v")
      end
      build()
      assert.is_true(h.released(weak))
      assert.are.equal("v", d:result())
    end)

    it("9 and is not kept by one that goes on for others", function()
      local shared, weak = weir.Deferred(), nil
      local other = weir.spawn(weir.await, shared)
      local function build()
        local d = weir.race { shared, "v" }
        weak = parts.weak(d)
      end
      build()
      assert.is_true(h.released(weak))
      assert.are.equal("waiting", other:status())
    end)

    it("9 twenty thousand races over one part that goes on leave nothing on it", function()
      local shared, weak = weir.Deferred(), setmetatable({}, { __mode = "k" })
      local other = weir.spawn(weir.await, shared)
      for i = 1, MANY do
        local a = weir.Deferred()
        local d = weir.race { shared, a }
        a:callback(i)
        assert(d:result() == i)
        if i % (MANY // 10) == 0 then weak[d] = true end
      end
      assert.is_true(h.released(weak))
      assert.are.equal("waiting", other:status())
    end)

    it("2.4 twenty thousand of them", function()
      local list = parts.list(MANY, traced)
      local d = weir.race(list)
      list[MANY]:callback("v")
      assert.are.equal(MANY - 1, #t:list())
      assert.are.same({ 1, MANY - 1 }, { t:list()[1], t:list()[MANY - 1] })
      assert.are.equal("v", d:result())
    end)

    it("2.4 one on each of twenty thousand nested levels", function()
      local inner, lost = weir.Deferred(), 0
      local d = parts.nest(MANY, inner, function(d)
        return weir.race { weir.Deferred(function() lost = lost + 1 end), d }
      end)
      inner:callback("v")
      assert.are.equal("v", d:result())
      assert.are.equal(MANY, lost)
    end)
  end)

  describe("cancelled", function()
    it("9 takes the first success that a canceller answers with", function()
      local answers = { traced "a", traced("b", parts.succeed_with("b", 2)), traced("c", parts.succeed_with "c") }
      local d = watch(weir.race(answers))
      assert.is_true(d:cancel())
      assert.are.same({ "a", "b", "it done", "c" }, t:list())
      assert.are.same({ "b", 2 }, { d:result() })
    end)

    it("9 does not take a failure that a canceller answers with", function()
      local d = weir.race { traced("a", parts.fail_with "a"), traced("b", parts.succeed_with "b") }
      assert.is_true(d:cancel())
      assert.are.equal("b", d:result())
      assert.are.same({ "a" }, parts.reported(reports))
    end)

    it("9 takes the success of a part that another's canceller fires", function()
      local b = traced "b"
      local d = watch(weir.race { traced("a", function() b:callback("b") end), b })
      assert.is_true(d:cancel("why"))
      assert.are.same({ "a", "it done" }, t:list())
      assert.are.equal("b", d:result())
    end)

    it("5.2 delivers such a success to the coroutine that awaits it, which is struck at its next wait", function()
      local co = weir.spawn(function()
        t(weir.await(weir.race { traced "a", traced("b", parts.succeed_with "kept") }))
        t(select(2, pcall(weir.await, weir.Deferred())).reason)
      end)
      assert.is_true(co:cancel("why"))
      assert.are.same({ "a", "b", "kept", "why" }, t:list())
      assert.are.equal("cancelled", co:status())
    end)

    it("9 with nobody answering ends cancelled, behind the last cleanup", function()
      local cleanup = weir.Deferred()
      local d = watch(weir.race { traced "a", busy("b", cleanup) })
      assert.is_true(d:cancel("why"))
      assert.are.same({ "a", "b asked: why" }, t:list())
      cleanup:callback()
      assert.are.same({ "a", "b asked: why", "b cleaned", "it failed: why" }, t:list())
    end)
  end)
end)
