-- Contract 9.1 beside Twisted's DeferredList and gatherResults: weir.settle and weir.all; where their rules are
-- those of all four combinators, weir.race and weir.any as well.
local weir = require "weir"
local h = require "spec.helper"

local COMBINATORS = { "all", "settle", "race", "any" }

local function failure(d) return h.raised(d.result, d) end

-- A Deferred whose canceller notes the entry.
local function noting(t, entry)
  return weir.Deferred(function() t(entry) end)
end

-- A Deferred whose canceller answers with a success.
local function answering(value)
  return weir.Deferred(function(self) self:callback(value) end)
end

-- A combination of one part, to which f is done and which nobody holds afterwards.
local function combine_and_forget(combine, f)
  local part = weir.Deferred()
  local d = combine { part }
  f(part)
  return d
end

local function next_turn()
  h.collect()
  weir.step()
end

local function fail_with_bang(part) part:errback("bang") end

local function each_combinator(f)
  for _, name in ipairs(COMBINATORS) do f(weir[name], name) end
end

describe("twisted: settle", function()
  local reports
  before_each(function() h.manual(); reports = h.unhandled() end)
  after_each(h.restore)

  it("9.1 has each outcome under its key, whatever fired first", function()
    local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
    local d = weir.settle { a, b, c }
    c:callback("3")
    b:errback("two")
    assert.are.equal("pending", d:status())
    a:callback("1")
    assert.are.same({ { true, "1" }, { false, "two" }, { true, "3" } }, d:result())
  end)

  it("9.1 of parts that have all fired ends at once", function()
    local d = weir.settle { weir.fail("bang"), weir.succeed(2) }
    assert.are.same({ { false, "bang" }, { true, 2 } }, d:result())
  end)

  it("8.1 failures that stand in its result are reported to nobody", function()
    local late = combine_and_forget(weir.settle, fail_with_bang)
    local early = weir.settle { weir.fail("bang") }
    next_turn()
    assert.are.same({ { { false, "bang" } }, { { false, "bang" } } }, { late:result(), early:result() })
    assert.are.same({}, reports)
  end)

  it("2.5 is told behind a part's own callbacks: what an errback mended counts as mended", function()
    local t, part = h.trace(), weir.Deferred()
    local d = weir.settle { part }
    part:add_errback(function(err) t(err); return "mended" end)
    part:errback("bang")
    assert.are.same({ "bang" }, t:list())
    assert.are.same({ { true, "mended" } }, d:result())
  end)

  it("2.5 takes nothing from its parts: an errback added behind it sees the error too", function()
    local t, part = h.trace(), weir.Deferred()
    local d = weir.settle { part }
    part:errback("bang")
    part:add_errback(t)
    assert.are.same({ "bang" }, t:list())
    assert.are.same({ { false, "bang" } }, d:result())
  end)
end)

describe("twisted: all", function()
  local reports
  before_each(function() h.manual(); reports = h.unhandled() end)
  after_each(h.restore)

  it("9.1 has the values under their keys", function()
    assert.are.same({ 1, 2 }, weir.all({ weir.succeed(1), weir.succeed(2) }):result())
  end)

  it("9.1 fails at the first failure with its error, once the rest has been cancelled", function()
    local t, second = h.trace(), weir.Deferred()
    local first, third = weir.Deferred(), noting(t, "cancel 3")
    weir.all({ first, second, third }):add_errback(t)
    first:callback("1")
    assert.are.same({}, t:list())
    second:errback("two")
    assert.are.same({ "cancel 3", "two" }, t:list())
    assert.are.equal("two", failure(third).reason)
  end)

  it("9.1 fails at once if a part has failed before", function()
    local t = h.trace()
    weir.all({ weir.succeed(1), noting(t, "cancel 2"), weir.fail("bang") }):add_errback(t)
    assert.are.same({ "cancel 2", "bang" }, t:list())
  end)

  it("9.1 its error is the part's own, not wrapped: identity, text and comparison are as they were", function()
    local same = setmetatable({}, { __eq = function() return true end, __tostring = function() return "mine" end })
    for _, err in ipairs { "text", 42, false, {}, same } do
      local seen = failure(weir.all { weir.succeed(), weir.fail(err) })
      assert.is_true(rawequal(err, seen))
    end
    assert.is_nil(failure(weir.all { weir.fail(nil) }))
  end)

  it("8.1 a failure is reported for it alone, once, and not for the part", function()
    local d = combine_and_forget(weir.all, fail_with_bang)
    weir.step()
    next_turn()
    assert.are.equal(1, #reports)
    assert.are.same({ "bang", true }, { reports[1].err, rawequal(d, reports[1].d) })
  end)

  it("2.5 takes nothing from its parts: an errback of the failed part sees the error too", function()
    local t, part = h.trace(), weir.fail("bang")
    local d = weir.all { weir.succeed(1), part }
    part:add_errback(t)
    assert.are.same({ "bang" }, t:list())
    assert.are.equal("bang", failure(d))
  end)
end)

describe("twisted: lists of nothing", function()
  before_each(h.manual)
  after_each(h.restore)

  it("9.1 all and settle have fired with a new empty table", function()
    for _, combine in ipairs { weir.all, weir.settle } do
      local t, empty = h.trace(), {}
      combine(empty):add_callback(t)
      assert.are.same({ {} }, t:list())
      assert.is_false(rawequal(empty, t:list()[1]))
    end
  end)

  it("9.1 race and any have nothing to wait for: an argument error", function()
    for _, name in ipairs { "race", "any" } do
      local err = h.raised(function() weir[name] {} end)
      assert.matches(("bad argument #1 to '%s'"):format(name), err, 1, true)
    end
  end)
end)

describe("twisted: cancel of a list", function()
  local reports
  before_each(function() h.manual(); reports = h.unhandled() end)
  after_each(h.restore)

  it("9 cancels every part, in the order of the keys, then ends with the parts' own cancel error", function()
    each_combinator(function(combine, name)
      local t = h.trace()
      local a, b = noting(t, "cancel 1"), noting(t, "cancel 2")
      local d = combine { a, b }
      d:add_errback(function(err) t "ended"; error(err, 0) end)
      assert.is_true(d:cancel("why"), name)
      assert.are.same({ "cancel 1", "cancel 2", "ended" }, t:list(), name)
      assert.are.same({ "cancelled", "why" }, { d:status(), failure(d).reason }, name)
      assert.are.same({ true, true }, { rawequal(failure(a), failure(d)), rawequal(failure(b), failure(d)) }, name)
    end)
  end)

  it("9 all and settle end cancelled if one part does, whatever the others answered", function()
    for _, combine in ipairs { weir.all, weir.settle } do
      local a, b = answering("saved"), weir.Deferred()
      local d = combine { a, b }
      d:cancel()
      assert.are.same({ "saved", "cancelled", "cancelled" }, { a:result(), b:status(), d:status() })
    end
  end)

  it("9 all and settle succeed if every part answers with a success", function()
    local all = weir.all { answering("a"), answering("b") }
    local settle = weir.settle { answering("a"), answering("b") }
    assert.are.same({ true, true }, { all:cancel(), settle:cancel() })
    assert.are.same({ "a", "b" }, all:result())
    assert.are.same({ { true, "a" }, { true, "b" } }, settle:result())
  end)

  it("9 race and any take the first success that a canceller answers, no key, and cancel the others", function()
    for _, combine in ipairs { weir.race, weir.any } do
      for at = 1, 2 do
        local parts = { weir.Deferred(), weir.Deferred(), answering("too late") }
        parts[at] = answering("saved")
        local d = combine(parts)
        d:cancel()
        assert.are.same({ "saved", n = 1 }, table.pack(d:result()))
        assert.are.same({ "cancelled", "success" }, { parts[3 - at]:status(), parts[3]:status() })
      end
    end
  end)

  it("9 the table is read at the call: a part put in later is neither waited for nor cancelled", function()
    each_combinator(function(combine, name)
      local a, b, late = weir.Deferred(), weir.Deferred(), weir.Deferred()
      local list = { a, b }
      local d = combine(list)
      list[3] = late
      d:cancel()
      local seen = { a:status(), b:status(), late:status(), d:status() }
      assert.are.same({ "cancelled", "cancelled", "pending", "cancelled" }, seen, name)
    end)
  end)

  it("8.1 a canceller that raises keeps nobody from being cancelled; its error is reported once", function()
    each_combinator(function(combine, name)
      local raising, other = weir.Deferred(function() error("oops", 0) end), weir.Deferred()
      local d = combine { raising, other }
      local before = #reports
      d:cancel()
      weir.step()
      assert.are.same({ "cancelled", "cancelled" }, { other:status(), d:status() }, name)
      assert.are.equal(before + 1, #reports, name)
      assert.are.equal("oops", reports[#reports].err, name)
    end)
  end)

  it("9.1 of race and any that have a winner: false, the rest is cancelled since then, once", function()
    for _, combine in ipairs { weir.race, weir.any } do
      local t, winner = h.trace(), weir.Deferred()
      local rest = noting(t, "cancel")
      local d = combine { winner, rest }
      winner:callback("v")
      assert.is_false(d:cancel())
      assert.are.same({ "cancel" }, t:list())
      assert.are.same({ "v", "lost" }, { d:result(), failure(rest).reason })
    end
  end)

  it("9.1 of all that has failed: false, the rest is cancelled since then, once", function()
    local t, bad, err = h.trace(), weir.Deferred(), {}
    local rest = noting(t, "cancel")
    local d = weir.all { bad, rest }
    bad:errback(err)
    assert.is_false(d:cancel())
    assert.are.same({ "cancel" }, t:list())
    assert.are.same({ true, true }, { rawequal(err, failure(d)), rawequal(err, failure(rest).reason) })
  end)
end)
