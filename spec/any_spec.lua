-- Contract 9.1: weir.any. What it shares with the other combinators is in parts_spec.lua.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local MANY = h.scale(2e4)

describe("any", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function traced(name, answer) return parts.traced(t, name, answer) end
  local function busy(name, cleanup) return parts.busy(t, name, cleanup) end
  local function watch(d) return parts.watch(t, "it", d) end

  it("9.1 of nobody is an argument error", function()
    local err = h.raised(function() weir.any {} end)
    assert.matches("^[./]*spec/any_spec%.lua:%d+: bad argument #1 to 'any' %(.+%)$", err)
  end)

  describe("succeeds", function()
    it("9.1 with the first success, all its values as they are", function()
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      local d = weir.any { a, b, x = c }
      a:errback("a")
      assert.are.equal("pending", d:status())
      c:callback(1, nil, 3, nil)
      assert.are.same({ 1, nil, 3, nil, n = 4 }, table.pack(d:result()))
      b:errback("late")
    end)

    it("9.1 with the lowest key among those that had succeeded", function()
      local function winner(list) return (weir.any(list):result()) end
      assert.are.equal(3, winner { weir.Deferred(), weir.fail("e"), weir.succeed(3), 4 })
      assert.are.equal(-1, winner { x = "x", [0] = 0, [-1] = -1, [-2] = weir.fail("e") })
      assert.are.equal("10", winner { ["9"] = "9", ["10"] = "10" })
    end)

    it("9 with a plain value, of any type", function()
      for _, value in ipairs { 1, "s", {}, h.ignore } do
        assert.is_true(rawequal(value, weir.any({ weir.fail("e"), value }):result()))
      end
      assert.is_false(weir.any({ false }):result())
    end)

    it("9.1 though others were cancelled", function()
      local a, b = weir.Deferred(), traced "b"
      local d = weir.any { a, b }
      a:cancel()
      assert.are.same({}, t:list())
      b:callback("b")
      assert.are.equal("b", d:result())
    end)

    it("9.1 in a coroutine, over Coroutines", function()
      local co = weir.spawn(function()
        local bad = weir.spawn(function() weir.sleep(1) error("bad", 0) end)
        local good = weir.spawn(function() weir.sleep(2) return "good" end)
        return weir.await(weir.any { bad, good, weir.spawn(weir.sleep, 3) })
      end)
      clock:advance(2)
      assert.are.equal("good", co:result())
      assert.is_nil(weir.step()) -- no timer is left
    end)

    it("9.1 having cancelled the rest, in the order of keys, with one error, its reason 'lost'", function()
      local list = parts.mixed(traced)
      local d = watch(weir.any(list))
      list[2]:errback("2")
      list["a"]:callback("v")
      local expected, err = {}, parts.failure(list[1])
      for _, key in ipairs(parts.KEYS) do
        if key ~= 2 and key ~= "a" then
          expected[#expected + 1] = key
          assert.is_true(rawequal(err, parts.failure(list[key])))
        end
      end
      expected[#expected + 1] = "it done"
      assert.are.same(expected, t:list())
      assert.are.same({ "lost", "v" }, { err.reason, d:result() })
    end)

    it("9.1 at the call, the pending ones being cancelled within it", function()
      local d = weir.any { traced "a", weir.fail("b"), "v", traced "c" }
      assert.are.same({ "a", "c" }, t:list())
      assert.are.equal("v", d:result())
    end)

    it("9.1 without waiting for the cleanup of the rest", function()
      local cleanup, b = weir.Deferred(), weir.Deferred()
      watch(weir.any { busy("a", cleanup), b })
      b:callback("b")
      assert.are.same({ "it done", "a asked: lost" }, t:list())
      cleanup:callback()
      assert.are.same({ "it done", "a asked: lost", "a cleaned" }, t:list())
    end)

    it("5.3 and leaves alone what others wait for", function()
      local a, shared = weir.Deferred(), traced "shared"
      local other = weir.spawn(weir.await, shared)
      weir.any { shared, a }
      a:callback()
      shared:callback("v")
      assert.are.same({}, t:list())
      assert.are.equal("v", other:result())
    end)

    it("9.1 and stays so, whatever the rest's cancellers do", function()
      local a, c, d = weir.Deferred(), traced "c", nil
      local function meddle(self)
        d:cancel("again")
        c:callback("c")
        self:callback("b")
        parts.awaiter(t, "co", d)
      end
      d = watch(weir.any { a, traced("b", meddle), c })
      a:callback("a")
      assert.are.same({ "b", "it done", "co got a" }, t:list())
      assert.are.equal("a", d:result())
    end)

    it("8.1 having handled the failures that came before", function()
      local a, b = weir.Deferred(), weir.Deferred()
      weir.any { a, b, weir.fail("c") }
      a:errback("a")
      b:callback("b")
      h.collect()
      assert.are.same({}, parts.reported(reports))
    end)

    it("8.1 while failures of the rest, behind it, are reported", function()
      local a = weir.Deferred()
      weir.any { a, traced("b", parts.raise "b") }
      a:callback("a")
      assert.are.same({ "b" }, parts.reported(reports))
      assert.are.same({ "b" }, parts.reported(reports))
    end)

    it("9 letting go of the rest", function()
      local weak, d
      local function build()
        local a, loser, failed = weir.Deferred(), weir.Deferred(), weir.Deferred()
        weak = parts.weak(a, loser, failed)
        d = weir.any { loser, a, failed }
        failed:errback("e")
        a:callback("v")
      end
      build()
      assert.is_true(h.released(weak))
      assert.are.equal("v", d:result())
    end)
  end)

  describe("fails", function()
    local function assert_any_error(errors, d)
      local err = parts.failure(d)
      assert.are.same({ "failure", "AnyError" }, { d:status(), err.name })
      assert.are.same(errors, err.errors)
      return err
    end

    it("9.1 when all have failed, with an AnyError that has their errors under their keys", function()
      local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
      local d = weir.any { a, x = b, [2.5] = c }
      c:errback("c")
      b:errback("b")
      assert.are.equal("pending", d:status())
      a:errback("a")
      assert_any_error({ "a", x = "b", [2.5] = "c" }, d)
    end)

    it("9.1 at the call when all had failed", function()
      assert_any_error({ "a", x = "x" }, weir.any { weir.fail("a"), x = weir.fail("x") })
    end)

    it("8.3 with a message that lists keys and errors in order, tostring gives the name too", function()
      local keys, list, at = { 1, 2, -2, 0.5, 10, "9", "B", "a" }, {}, 1
      for i = #keys, 1, -1 do list[keys[i]] = weir.fail("error of " .. keys[i]) end
      local err = parts.failure(weir.any(list))
      for _, key in ipairs(keys) do
        local first, last = err.message:find("error of " .. tostring(key), at, true)
        assert.is_not_nil(first, "no error of " .. tostring(key) .. " in " .. err.message)
        assert.is_not_nil(err.message:sub(at, first):find(tostring(key), 1, true))
        at = last + 1
      end
      assert.are.equal("AnyError: " .. err.message, tostring(err))
    end)

    it("8.3 with a message whatever the errors are", function()
      local odd = setmetatable({}, { __tostring = function() error("no") end })
      local wrong = setmetatable({}, { __tostring = function() return 1 end })
      local errors = { odd, wrong, {}, false, h.ignore, io.stdout }
      local failed = parts.list(#errors, function(i) return weir.fail(errors[i]) end)
      local err = parts.failure(weir.any(failed))
      assert.are.equal("AnyError", err.name)
      assert.is_string(err.message)
      assert.is_string(tostring(err))
      for i, e in ipairs(errors) do assert.is_true(rawequal(e, err.errors[i])) end
    end)

    it("1.1 with errors that are nil", function()
      local err = assert_any_error({ nil, "b" }, weir.any { weir.fail(nil), weir.fail("b") })
      assert.is_string(err.message)
    end)

    it("9.1 with a table of errors that is no one else's", function()
      local list = { weir.fail("a") }
      local one, two = parts.failure(weir.any(list)), parts.failure(weir.any(list))
      assert.is_false(rawequal(one, two) or rawequal(one.errors, two.errors) or rawequal(one.errors, list))
    end)

    it("9.1 with a cancelled part among them: no cancel error", function()
      local a, b = weir.Deferred(), weir.Deferred()
      local d = weir.any { a, b }
      a:cancel("why")
      b:cancel("why")
      assert_any_error({ parts.failure(a), parts.failure(b) }, d)
      assert.is_false(weir.is_cancelled(parts.failure(d)))
      assert.is_true(rawequal(parts.failure(a), parts.failure(d).errors[1]))
    end)

    it("9.1 with a part that stands under several keys", function()
      local part = weir.Deferred()
      local d = weir.any { part, part, x = part }
      part:errback("e")
      assert_any_error({ "e", "e", x = "e" }, d)
    end)

    it("8.1 the AnyError is reported, once, its parts' errors are not", function()
      local a, b = weir.Deferred(), weir.Deferred()
      local d = weir.any { a, b }
      a:errback("a")
      b:errback("b")
      h.collect()
      local errors = parts.reported(reports)
      assert.are.same({ 1, "AnyError" }, { #errors, errors[1].name })
      assert.are.equal(d, reports[1].d)
      assert.are.equal(1, #parts.reported(reports))
    end)

    it("9.1 with twenty thousand failures", function()
      local list = parts.list(MANY, function() return weir.Deferred() end)
      local d = weir.any(list)
      for i = MANY, 1, -1 do list[i]:errback(i) end
      local errors = parts.failure(d).errors
      assert.are.same({ MANY, 1, MANY }, { #errors, errors[1], errors[MANY] })
    end)

    local function nested(depth)
      local inner = weir.Deferred()
      local d = parts.nest(depth, inner, function(d) return weir.any { d } end)
      inner:errback("e")
      return parts.failure(d)
    end

    it("8.3 with a message that does not grow with what is nested in it", function()
      assert.is_true(#nested(1000).message < 5000)
    end)

    it("2.4 nested twenty thousand deep", function()
      assert.is_true(#nested(1000).message < 5000) -- or what follows takes all memory
      local err, depth = nested(MANY), 0
      while type(err) == "table" do err, depth = err.errors[1], depth + 1 end
      assert.are.same({ "e", MANY }, { err, depth })
    end)

    it("2.10 with a circle among the errors", function()
      local part = weir.Deferred()
      local d = weir.any { part }
      part:add_callback(function() return d end)
      part:callback()
      assert.are.equal("DeadlockError", parts.failure(d).errors[1].name)
    end)
  end)

  describe("cancelled", function()
    it("9 takes the first success that a canceller answers with", function()
      local d = watch(weir.any { traced "a", traced("b", parts.succeed_with("b", 2)),
        traced("c", parts.succeed_with "c") })
      assert.is_true(d:cancel())
      assert.are.same({ "a", "b", "it done", "c" }, t:list())
      assert.are.same({ "b", 2 }, { d:result() })
    end)

    it("9 takes the success of a part that another's canceller fires", function()
      local b = traced "b"
      local d = watch(weir.any { traced("a", function() b:callback("b") end), b })
      assert.is_true(d:cancel("why"))
      assert.are.same({ "a", "it done" }, t:list())
      assert.are.equal("b", d:result())
    end)

    it("9 without a success is a cancel error, no AnyError, though some had failed", function()
      local a = weir.Deferred()
      local d = watch(weir.any { a, traced "b" })
      a:errback("a")
      assert.is_true(d:cancel("why"))
      assert.are.same({ "b", "it failed: why" }, t:list())
      assert.are.equal("cancelled", d:status())
    end)
  end)
end)
