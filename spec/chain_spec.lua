-- Contract 2.4, 2.6, 2.10 and the adoption of returned Deferreds: many Deferreds tied together, flat and in order.
local weir = require "weir"
local h = require "spec.helper"

local MILLION = h.scale(1e6)

local function pending_list(n)
  local list = {}
  for i = 1, n do list[i] = weir.Deferred() end
  return list
end

local function count_status(list, status)
  local n = 0
  for _, d in ipairs(list) do
    if d:status() == status then n = n + 1 end
  end
  return n
end

-- list[i] waits on list[i + 1], which its callback returned.
local function adopt_in_line(list)
  for i = 1, #list - 1 do
    local next_one = list[i + 1]
    list[i]:add_callback(function() return next_one end)
    list[i]:callback()
  end
end

local function chain_in_line(list)
  for i = 1, #list - 1 do list[i]:chain(list[i + 1]) end
end

local function sequence(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local function error_name(d) return h.raised(d.result, d).name end

describe("chain: nothing recurses", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.4 a million chained Deferreds fire flat, success and failure", function()
    for _, fire in ipairs { "callback", "errback" } do
      local list = pending_list(MILLION)
      chain_in_line(list)
      list[1][fire](list[1], "v")
      local _, v = pcall(list[MILLION].result, list[MILLION])
      assert.are.equal("v", v)
      assert.are.equal(MILLION, count_status(list, fire == "callback" and "success" or "failure"))
    end
  end)

  it("2.4 a million that each adopted the next settle flat", function()
    for _, fire in ipairs { "callback", "errback" } do
      local list = pending_list(MILLION)
      adopt_in_line(list)
      assert.are.equal(MILLION, count_status(list, "pending"))
      list[MILLION][fire](list[MILLION], "v")
      local _, v = pcall(list[1].result, list[1])
      assert.are.equal("v", v)
      assert.are.equal(MILLION, count_status(list, fire == "callback" and "success" or "failure"))
    end
  end)

  it("2.4 a million adopted from the inner end outwards settle flat, callbacks counting up", function()
    local inner = weir.Deferred()
    local d = inner
    for _ = 1, MILLION do
      local adopted = d
      d = weir.succeed():add_callback(function() return adopted end):add_callback(function(n) return n + 1 end)
    end
    inner:callback(0)
    assert.are.equal(MILLION, d:result())
  end)

  it("2.4 a million fires, each nested in a callback, run flat, in order, before the outer returns", function()
    local list, t = pending_list(MILLION), h.trace()
    for i, d in ipairs(list) do
      d:add_callback(function()
        t(i)
        if list[i + 1] then list[i + 1]:callback() end
      end)
    end
    list[1]:callback()
    assert.are.equal(MILLION, #t:list())
    assert.are.equal(table.concat(sequence(MILLION), " "), table.concat(t:list(), " "))
  end)

  it("2.4 a million failing fires nested in errbacks run flat", function()
    local list, seen = pending_list(MILLION), 0
    for i, d in ipairs(list) do
      d:add_errback(function(err)
        seen = seen + 1
        if list[i + 1] then list[i + 1]:errback(err) end
      end)
    end
    list[1]:errback("e")
    assert.are.equal(MILLION, seen)
    assert.are.equal(MILLION, count_status(list, "success"))
  end)

  it("2.4 a million adds to fired Deferreds, each nested in a callback, run flat and in order", function()
    local t = h.trace()
    local function add(i)
      t(i)
      if i < MILLION then
        weir.succeed(i + 1):add_callback(add)
      end
    end
    weir.succeed(1):add_callback(add)
    assert.are.equal(table.concat(sequence(MILLION), " "), table.concat(t:list(), " "))
  end)

  it("2.4 a callback that adds itself again a million times runs flat", function()
    local d = weir.succeed(0)
    local function again(n)
      if n < MILLION then d:add_callback(again) end
      return n + 1
    end
    d:add_callback(again)
    assert.are.equal(MILLION + 1, d:result())
  end)

  it("2.4 a million callbacks on one Deferred run in order", function()
    local d = weir.Deferred()
    local function up(n) return n + 1 end
    for _ = 1, MILLION do d:add_callback(up) end
    d:callback(0)
    assert.are.equal(MILLION, d:result())
  end)

  it("2.4 a million Deferreds adopting the same one settle flat", function()
    local shared, settled = weir.Deferred(), 0
    for _ = 1, MILLION do
      weir.succeed():add_callback(function() return shared end):add_callback(function(v) settled = settled + v end)
    end
    shared:callback(1)
    assert.are.equal(MILLION, settled)
  end)

  it("2.4 a cancel goes down a million adopted ones flat", function()
    local list = pending_list(MILLION)
    adopt_in_line(list)
    assert.is_true(list[1]:cancel())
    assert.are.equal(MILLION, count_status(list, "cancelled"))
  end)

  it("2.4 a cancel goes up a million chained ones flat", function()
    local list = pending_list(MILLION)
    chain_in_line(list)
    assert.is_true(list[MILLION]:cancel())
    assert.are.equal(MILLION, count_status(list, "cancelled"))
  end)

  it("2.4 a pending line of a million that nobody holds is released", function()
    local weak = setmetatable({}, { __mode = "k" })
    local function build()
      local list = pending_list(MILLION)
      adopt_in_line(list)
      weak[list[1]], weak[list[MILLION]] = true, true
    end
    build()
    assert.is_true(h.released(weak))
  end)

  it("2.4 a nested fire not too deep runs inside the callback", function()
    local t, outer, inner = h.trace(), weir.Deferred(), weir.Deferred()
    inner:add_callback(function(v) t("inner " .. v) end)
    outer:add_callback(function()
      t "before"
      inner:callback("v")
      t "after"
    end)
    outer:add_callback(function() t "outer's next" end)
    outer:callback()
    assert.are.same({ "before", "inner v", "after", "outer's next" }, t:list())
  end)

  it("2.4 a nested add not too deep runs inside the callback", function()
    local t, fired = h.trace(), weir.succeed("v")
    weir.succeed():add_callback(function()
      t "before"
      fired:add_callback(function(v) t("added " .. v) end)
      t "after"
    end)
    assert.are.same({ "before", "added v", "after" }, t:list())
  end)

  it("2.4 deep nesting inside a coroutine is as flat", function()
    local seen = h.inside(function()
      local list, n = pending_list(MILLION), 0
      for i, d in ipairs(list) do
        d:add_callback(function()
          n = n + 1
          if list[i + 1] then list[i + 1]:callback() end
        end)
      end
      list[1]:callback()
      return n
    end)
    assert.are.equal(MILLION, seen)
  end)

  it("2.4 an error raised deep in nested fires stays in its own Deferred", function()
    local list, n = pending_list(1000), 0
    for i, d in ipairs(list) do
      d:add_callback(function()
        if list[i + 1] then list[i + 1]:callback() end
        n = n + 1
        error(i, 0)
      end)
    end
    list[1]:callback()
    assert.are.equal(1000, n)
    for i, d in ipairs(list) do assert.are.equal(i, h.raised(d.result, d)) end
  end)
end)

describe("chain: d:chain(other)", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.6 fires other with the outcome: all values, or the error itself", function()
    local err = {}
    local good, good_other = weir.Deferred(), weir.Deferred()
    local bad, bad_other = weir.Deferred(), weir.Deferred()
    good:chain(good_other)
    bad:chain(bad_other)
    good:callback(1, nil, 3, nil)
    bad:errback(err)
    assert.are.same({ 1, nil, 3, nil, n = 4 }, table.pack(good_other:result()))
    assert.is_true(rawequal(err, h.raised(bad_other.result, bad_other)))
  end)

  it("2.6 a fired d fires other at the call, a held one at its unpause", function()
    local other, later, held = weir.Deferred(), weir.Deferred(), weir.Deferred()
    weir.succeed("v"):chain(other)
    assert.are.equal("v", other:result())
    held:pause()
    held:callback("w")
    held:chain(later)
    assert.are.equal("pending", later:status())
    held:unpause()
    assert.are.equal("w", later:result())
  end)

  it("2.6 other's own callbacks run with the outcome, d's is not touched by them", function()
    local d, other = weir.Deferred(), weir.Deferred()
    other:add_callback(function(v) return v + 1 end)
    d:chain(other)
    d:callback(1)
    assert.are.same({ 1, 2 }, { d:result(), other:result() })
  end)

  it("2.6 one d may chain into several, in the order of the calls", function()
    local t, d = h.trace(), weir.Deferred()
    for i = 1, 3 do d:chain(weir.Deferred():add_callback(function(v) t(i .. v) end)) end
    d:callback("v")
    assert.are.same({ "1v", "2v", "3v" }, t:list())
  end)

  it("5.8 a source whose callbacks run is about to answer: a cancel leaves it that, and is for the others", function()
    local other, first, gate = weir.Deferred(), weir.Deferred(), weir.Deferred()
    local second = weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() weir.await(gate) end })
      weir.await(weir.Deferred())
    end)
    first:add_callback(function(...)
      assert(other:cancel())
      return ...
    end)
    first:chain(other)
    second:chain(other)
    first:callback("answer")
    assert.are.equal("answer", other:result())
    gate:callback()
    assert.are.equal("cancelled", second:status())
    assert.are.equal("answer", other:result())
  end)

  it("2.6 several sources may chain into one, the first wins", function()
    for _, fire in ipairs { "callback", "errback" } do
      local a, b, other = weir.Deferred(), weir.Deferred(), weir.Deferred()
      a:chain(other)
      b:chain(other)
      b:callback("first")
      a[fire](a, "second")
      assert.are.equal("first", other:result())
    end
  end)

  it("2.6 other may be fired by hand too: who comes first wins, the source's fire does not raise", function()
    local d, other = weir.Deferred(), weir.Deferred()
    d:chain(other)
    other:callback("by hand")
    d:callback("late")
    assert.are.same({ "by hand", "late" }, { other:result(), d:result() })
    local source, target = weir.Deferred(), weir.Deferred()
    source:chain(target)
    source:callback("v")
    assert.are.equal("AlreadyCalledError", h.raised(target.callback, target).name)
  end)

  it("2.6 other fired already, a Coroutine, d itself or no Deferred: an error at the call", function()
    local gate = weir.Deferred()
    local co = weir.spawn(weir.await, gate)
    local d = weir.Deferred()
    for _, other in ipairs { weir.succeed(), co, d, 1, {}, weir.Clock() } do
      assert.is_not_nil(h.raised(d.chain, d, other))
    end
    assert.is_not_nil(h.raised(d.chain, d))
    assert.are.equal("waiting", co:status())
    d:callback("v") -- nothing of the refused calls is left on it
    gate:callback("w")
    assert.are.same({ "v", "w" }, { d:result(), co:result() })
  end)

  it("2.6 a refused chain does not count as handling d's failure", function()
    local reports = h.unhandled()
    local d = weir.Deferred()
    h.raised(d.chain, d, d)
    d:errback("e")
    weir.step()
    assert.are.same({ "e" }, { reports[1] and reports[1].err })
  end)

  it("2.6 a chained failure is handled for d and reported once, for other", function()
    local reports = h.unhandled()
    local d, other = weir.Deferred(), weir.Deferred()
    d:chain(other)
    d:errback("e")
    weir.step()
    assert.are.equal(1, #reports)
    assert.are.equal(other, reports[1].d)
  end)

  local function traced(t, label, answer)
    return weir.Deferred(function(self)
      t(label)
      if answer then self:callback(answer) end
    end)
  end

  it("2.6 cancel of other: its own canceller first, an answer there leaves d alone", function()
    local t = h.trace()
    local d, other = traced(t, "d"), traced(t, "other", "answer")
    d:chain(other)
    assert.is_true(other:cancel())
    assert.are.same({ "other" }, t:list())
    assert.are.equal("answer", other:result())
    assert.are.equal("pending", d:status())
  end)

  it("2.6 cancel of other: unanswered, then d, both with one error", function()
    local t = h.trace()
    local d, other = traced(t, "d"), traced(t, "other")
    d:chain(other)
    assert.is_true(other:cancel("why"))
    assert.are.same({ "other", "d" }, t:list())
    assert.are.same({ "cancelled", "cancelled" }, { d:status(), other:status() })
    local err = h.raised(other.result, other)
    assert.are.equal("why", err.reason)
    assert.is_true(rawequal(err, h.raised(d.result, d)))
  end)

  it("2.6 cancel of other takes the answer that d's canceller gave", function()
    local t = h.trace()
    local d, other = traced(t, "d", "answer"), traced(t, "other")
    d:chain(other)
    assert.is_true(other:cancel())
    assert.are.same({ "other", "d" }, t:list())
    assert.are.same({ "answer", "answer" }, { d:result(), other:result() })
  end)

  it("2.6 cancel of other takes the error that d's canceller gave", function()
    local other = weir.Deferred()
    local d = weir.Deferred(function(self) self:errback("no") end):chain(other)
    other:cancel()
    assert.are.equal("no", h.raised(d.result, d))
    assert.are.equal("no", h.raised(other.result, other))
  end)

  it("2.6 cancel of other spares a d that another still waits on", function()
    local t = h.trace()
    local d, other = traced(t, "d"), weir.Deferred()
    local co = weir.spawn(weir.await, d)
    d:chain(other)
    assert.is_true(other:cancel())
    assert.are.same({}, t:list())
    assert.are.equal("cancelled", other:status())
    d:callback("v")
    assert.are.equal("v", co:result())
    assert.are.equal("cancelled", other:status())
  end)

  it("2.6 cancel of other cancels a d that has only callbacks besides", function()
    local d, other = weir.Deferred(), weir.Deferred()
    d:add_callback(h.ignore)
    d:chain(other)
    other:cancel()
    assert.are.same({ "cancelled", "cancelled" }, { d:status(), other:status() })
  end)

  it("2.6 cancel of other reaches all its sources", function() -- the contract speaks of one d; each is one
    local a, b, other = weir.Deferred(), weir.Deferred(), weir.Deferred()
    a:chain(other)
    b:chain(other)
    other:cancel()
    assert.are.same({ "cancelled", "cancelled", "cancelled" }, { a:status(), b:status(), other:status() })
  end)

  it("2.6 cancel of other reaches a chained Coroutine, whose cleanup runs first", function()
    local t, other = h.trace(), weir.Deferred()
    local co = weir.spawn(function()
      local ok, err = pcall(weir.await, weir.Deferred())
      t(ok)
      error(err, 0)
    end)
    co:chain(other)
    other:add_errback(function(err) t "other"; error(err, 0) end)
    other:cancel()
    assert.are.same({ false, "other" }, t:list())
    assert.are.same({ "cancelled", "cancelled" }, { co:status(), other:status() })
  end)

  it("2.6 cancel of d gives other the same cancel error", function()
    local d, other = weir.Deferred(), weir.Deferred()
    d:chain(other)
    d:cancel("why")
    assert.are.equal("cancelled", other:status())
    assert.is_true(rawequal(h.raised(d.result, d), h.raised(other.result, other)))
  end)
end)

describe("chain: circles", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.10 a callback that returns its own Deferred fails it, and the chain goes on", function()
    local t, d = h.trace(), weir.Deferred()
    d:add_callback(function() return d end)
    d:add_errback(function(err) t(err.name); return "mended" end)
    d:callback()
    assert.are.same({ "DeadlockError" }, t:list())
    assert.are.equal("mended", d:result())
  end)

  it("2.10 the same for an errback, an add_both and a Deferred fired before", function()
    local d = weir.Deferred()
    d:errback("e")
    d:add_errback(function() return d end)
    assert.are.equal("DeadlockError", error_name(d))
    local fired = weir.succeed()
    fired:add_both(function() return fired end)
    assert.are.equal("DeadlockError", error_name(fired))
  end)

  it("2.10 a circle of two fails where it closes, the other sees that failure", function()
    local a, b = weir.Deferred(), weir.Deferred()
    a:add_callback(function() return b end)
    b:add_callback(function() return a end)
    a:callback()
    assert.are.equal("pending", a:status())
    b:callback()
    assert.are.equal("DeadlockError", error_name(b))
    assert.is_true(rawequal(h.raised(a.result, a), h.raised(b.result, b)))
  end)

  it("2.10 a circle of a million fails where it closes", function()
    local list = pending_list(MILLION)
    adopt_in_line(list)
    local last = list[MILLION]
    last:add_callback(function() return list[1] end)
    last:callback()
    assert.are.equal("DeadlockError", error_name(last))
    assert.is_true(rawequal(h.raised(last.result, last), h.raised(list[1].result, list[1])))
    assert.are.equal(MILLION, count_status(list, "failure"))
  end)

  it("2.10 a body that returns its own Coroutine fails", function()
    local co = weir.spawn(function()
      local me = weir.current()
      return me
    end)
    assert.are.equal("DeadlockError", error_name(co))
  end)

  it("2.10 a body that returns a Deferred that waits on it fails", function()
    local gate = weir.Deferred()
    local d = weir.succeed():add_callback(function() return gate end)
    local co = weir.spawn(function()
      weir.await(gate)
      return d
    end)
    d:add_callback(function() return co end)
    gate:callback()
    assert.are.equal("DeadlockError", error_name(co))
    assert.are.equal("DeadlockError", error_name(d))
  end)

  it("2.10 two bodies that return each other fail where the circle closes", function()
    local gate = weir.Deferred()
    local a, b
    a = weir.spawn(function() weir.await(gate); return b end)
    b = weir.spawn(function() weir.await(gate); return a end)
    gate:callback()
    assert.are.equal("DeadlockError", error_name(b))
    assert.is_true(rawequal(h.raised(a.result, a), h.raised(b.result, b)))
  end)

  it("2.10 a diamond is no circle", function()
    local base = weir.Deferred()
    local function adopt(d) return weir.succeed():add_callback(function() return d end) end
    local left, right = adopt(base), adopt(base)
    local top = adopt(left):add_callback(function() return right end)
    base:callback("v")
    assert.are.same({ "v", "v", "v" }, { left:result(), right:result(), top:result() })
  end)
end)

describe("chain: adoption", function()
  before_each(h.manual)
  after_each(h.restore)

  local function adopt(d) return weir.succeed():add_callback(function() return d end) end

  it("3.1 a body that returns one Deferred takes its values, error, or cancel", function()
    local good, bad, gone = weir.Deferred(), weir.Deferred(), weir.Deferred()
    local function adopter(d) return weir.spawn(function() return d end) end
    local a, b, c = adopter(good), adopter(bad), adopter(gone)
    assert.are.equal("waiting", a:status())
    good:callback(1, nil)
    bad:errback("e")
    gone:cancel()
    assert.are.same({ 1, nil, n = 2 }, table.pack(a:result()))
    assert.are.equal("e", h.raised(b.result, b))
    assert.are.equal("cancelled", c:status())
  end)

  it("3.1 a body that returns a fired Deferred or a finished Coroutine ends at once", function()
    assert.are.equal("v", weir.spawn(function() return weir.succeed("v") end):result())
    assert.are.equal("w", weir.spawn(function() return weir.spawn(function() return "w" end) end):result())
  end)

  it("3.1 a body that returns a Deferred beside another value does not adopt it", function()
    local inner = weir.Deferred()
    local co = weir.spawn(function() return inner, 1 end) -- success or failure is left open
    assert.are_not.equal("waiting", co:status())
    co:add_errback(h.ignore)
    assert.are.equal("pending", inner:status())
  end)

  it("2.3 a million bodies that each return the next's Coroutine end flat", function()
    local last = weir.Deferred()
    local d = last
    for _ = 1, MILLION do
      local inner = d
      d = weir.spawn(function() return inner end)
    end
    last:callback("v")
    assert.are.equal("v", d:result())
  end)

  it("2.3 what is adopted gets its callbacks first, the adopter's own follow", function()
    local t, inner = h.trace(), weir.Deferred()
    local outer = adopt(inner):add_callback(function(v) t("outer " .. v) end)
    inner:add_callback(function(v) t("inner " .. v); return v .. "'" end)
    inner:callback("v")
    assert.are.same({ "inner v", "outer v'" }, t:list())
    assert.are.equal("success", outer:status())
  end)

  it("2.3 several adopters of one are told in the order they came", function()
    local t, inner = h.trace(), weir.Deferred()
    for i = 1, 3 do adopt(inner):add_callback(function(v) t(i .. v) end) end
    inner:callback("v")
    assert.are.same({ "1v", "2v", "3v" }, t:list())
  end)

  it("2.3 a held Deferred that is returned is waited for until its unpause", function()
    local inner = weir.succeed("v")
    inner:pause()
    local outer = adopt(inner)
    assert.are.equal("pending", outer:status())
    inner:unpause()
    assert.are.equal("v", outer:result())
  end)

  it("2.3 a failure that was adopted is reported for the adopter alone", function()
    local reports = h.unhandled()
    local inner = weir.Deferred()
    local outer = adopt(inner)
    inner:errback("e")
    weir.step()
    assert.are.equal(1, #reports)
    assert.are.equal(outer, reports[1].d)
  end)

  it("5.1 cancel of an adopter cancels what it waits on, with one error", function()
    local t = h.trace()
    local inner = weir.Deferred(function() t "inner" end)
    local outer = adopt(inner)
    assert.is_true(outer:cancel("why"))
    assert.are.same({ "inner" }, t:list())
    local err = h.raised(outer.result, outer)
    assert.are.equal("why", err.reason)
    assert.is_true(rawequal(err, h.raised(inner.result, inner)))
  end)

  it("5.1 an answer of the inner canceller goes on down the adopter's chain", function()
    local inner = weir.Deferred(function(self) self:callback("answer") end)
    local outer = adopt(inner):add_callback(function(v) return v .. "!" end)
    outer:cancel()
    assert.are.equal("answer!", outer:result())
  end)

  it("5.3 cancel of one adopter spares an inner one that another waits on", function()
    local inner = weir.Deferred()
    local one, two = adopt(inner), adopt(inner)
    assert.is_true(one:cancel())
    assert.are.equal("cancelled", one:status())
    inner:callback("v")
    assert.are.equal("v", two:result())
    assert.are.equal("cancelled", one:status())
  end)

  it("2.3 a settled line is released, values and all", function()
    local weak = setmetatable({}, { __mode = "k" })
    local inner = weir.Deferred()
    local function build()
      local value, outer = {}, adopt(inner)
      weak[value], weak[outer] = true, true
      outer:add_callback(function() return value end)
    end
    build()
    inner:callback()
    assert.is_true(h.released(weak))
  end)
end)
