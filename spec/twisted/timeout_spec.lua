-- Contract 2.7 beside Twisted's addTimeout: what the limit covers, who sees what, and how to answer in its stead.
local weir = require "weir"
local h = require "spec.helper"

local function failure(d) return h.raised(d.result, d) end

local function error_name(d) return failure(d).name end

-- An errback that answers for a TimeoutError and lets every other error pass.
local function answer_timeout(value)
  return function(err)
    if err.name == "TimeoutError" then return value end
    error(err, 0)
  end
end

local FIRES = {
  callback = function(d) d:callback("v") end,
  errback = function(d) d:errback("e") end,
  cancel = function(d) d:cancel("by hand") end,
}

-- A Deferred with a limit of 10 whose callback, whatever it was fired with, notes that and returns `inner`.
local function limited(t, inner)
  return weir.Deferred():timeout(10):add_both(function(_, value)
    t(type(value) == "table" and value.reason or value)
    return inner
  end)
end

describe("twisted: a timeout and the chain", function()
  local clock, reports
  before_each(function() clock = h.manual(); reports = h.unhandled() end)
  after_each(h.restore)

  it("2.7 it stands within a chain: callbacks before and behind it run in order", function()
    local t = h.trace()
    local d = weir.Deferred():add_callback(t):timeout(5):add_callback(function() t "behind"; return "done" end)
    d:callback("before")
    assert.are.same({ "before", "behind" }, t:list())
    assert.are.equal("done", d:result())
  end)

  it("2.7 a fire or cancel in time is seen at once, but the Deferred returned then is covered too", function()
    for name, seen in pairs { callback = "v", errback = "e", cancel = "by hand" } do
      local t, inner = h.trace(), weir.Deferred()
      local d = limited(t, inner)
      FIRES[name](d)
      assert.are.same({ seen }, t:list())
      clock:advance(9)
      assert.are.equal("pending", d:status())
      clock:advance(1)
      assert.are.same({ "TimeoutError", "failure" }, { error_name(d), d:status() })
      assert.are.not_equal("pending", inner:status())
    end
  end)

  it("2.7 a shield keeps what was returned, d alone times out", function()
    for _, fire in pairs(FIRES) do
      local inner = weir.Deferred()
      local d = limited(h.trace(), weir.shield(inner))
      fire(d)
      clock:advance(15)
      assert.are.same({ "TimeoutError", "pending" }, { error_name(d), inner:status() })
    end
  end)

  it("2.7 the limit of one part alone: it stands on a Deferred of its own", function()
    for _, fire in pairs(FIRES) do
      local first, inner = weir.Deferred():timeout(10), weir.Deferred()
      local whole = weir.succeed():add_callback(function() return first end)
      whole:add_both(function() return inner end)
      fire(first)
      clock:advance(15)
      assert.are.same({ "pending", "pending" }, { whole:status(), inner:status() })
      inner:callback("in its own time")
      assert.are.equal("in its own time", whole:result())
    end
  end)

  it("2.7 errbacks before and behind it see one and the same TimeoutError", function()
    local t = h.trace()
    local function pass(err) t(err); error(err, 0) end
    local d = weir.Deferred():add_errback(pass):timeout(10):add_errback(pass)
    clock:advance(15)
    local err = failure(d)
    assert.are.equal("TimeoutError", err.name)
    assert.is_false(weir.is_cancelled(err))
    assert.are.equal(2, #t:list())
    assert.are.same({ true, true }, { rawequal(t:list()[1], err), rawequal(t:list()[2], err) })
  end)

  it("2.7 an errback before it that recovers makes a success of it, nothing is reported", function()
    local t = h.trace()
    local d = weir.Deferred():add_errback(function(err) t(err.name); return "recovered" end):timeout(10)
    clock:advance(15)
    weir.step()
    assert.are.same({ "TimeoutError" }, t:list())
    assert.are.same({ "recovered", 0 }, { d:result(), #reports })
  end)

  it("2.7 a callback before it runs with the success that the canceller answers", function()
    local t, answer = h.trace(), {}
    local d = weir.Deferred(function(self) self:callback(answer) end)
    d:add_callback(function(value) t(value); return value end):timeout(10)
    clock:advance(15)
    assert.are.same({ true, 1 }, { rawequal(answer, d:result()), #t:list() })
    assert.is_true(rawequal(answer, t:list()[1]))
  end)
end)

describe("twisted: an answer in the timeout's stead", function()
  local clock
  before_each(function() clock = h.manual(); h.unhandled() end)
  after_each(h.restore)

  it("2.7 is that of an errback behind it", function()
    local d = weir.Deferred():timeout(10):add_errback(answer_timeout "instead")
    assert.are.equal("pending", d:status())
    clock:advance(15)
    assert.are.equal("instead", d:result())
  end)

  it("2.7 is not asked for when d was fired or cancelled in time", function()
    local outcome = {}
    for name, fire in pairs(FIRES) do
      local d = weir.Deferred():timeout(10):add_errback(answer_timeout "instead")
      fire(d)
      clock:advance(15)
      outcome[name] = d:status()
    end
    assert.are.same({ callback = "success", errback = "failure", cancel = "cancelled" }, outcome)
  end)

  it("2.7 errbacks run in the order added: one before it may pass the error on to it", function()
    local t = h.trace()
    local d = weir.Deferred():add_errback(function(err) t(err.name); error(err, 0) end)
    d:timeout(10):add_errback(function(err) t(err.name); return "instead" end)
    clock:advance(15)
    assert.are.same({ "TimeoutError", "TimeoutError" }, t:list())
    assert.are.equal("instead", d:result())
  end)

  it("2.7 is not asked for when an errback before it recovered; add_both is", function()
    local t = h.trace()
    local d = weir.Deferred():add_errback(function() return "recovered" end):timeout(10)
    d:add_errback(t):add_both(function(_, value) t(value); return "instead" end)
    clock:advance(15)
    assert.are.same({ "recovered" }, t:list())
    assert.are.equal("instead", d:result())
  end)

  it("2.7 an errback gets the error that the canceller answered, and may replace it", function()
    local t = h.trace()
    local d = weir.Deferred(function(self) self:errback("refused") end):timeout(10)
    d:add_errback(function(err) t(err); return "instead" end)
    clock:advance(15)
    assert.are.same({ "refused" }, t:list())
    assert.are.equal("instead", d:result())
  end)

  it("2.7 an errback is passed over by the canceller's success; add_both is not", function()
    local t = h.trace()
    local d = weir.Deferred(function(self) self:callback("saved") end):timeout(10)
    d:add_errback(t):add_both(function(...) t { ... }; return "instead" end)
    clock:advance(15)
    assert.are.same({ { true, "saved" } }, t:list())
    assert.are.equal("instead", d:result())
  end)
end)
