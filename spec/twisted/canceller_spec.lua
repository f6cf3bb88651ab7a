-- Cancelling one Deferred, as in Twisted's DeferredCancellerTests: who is asked, what comes of it, what is let go.
local weir = require "weir"
local h = require "spec.helper"

-- A pending Deferred that notes its outcome in t: the value, or the name of the error.
local function watched(t, canceller)
  return weir.Deferred(canceller):add_callbacks(
    function(v) t("callback " .. v) end,
    function(err) t("errback " .. (type(err) == "table" and err.name or err)) end)
end

local function assert_fired_already(d)
  assert.are.equal("AlreadyCalledError", h.raised(d.callback, d, "again").name)
  assert.are.equal("AlreadyCalledError", h.raised(d.errback, d, "again").name)
end

describe("twisted: cancel without a canceller", function()
  local t, d
  before_each(function()
    h.manual()
    t = h.trace()
    d = watched(t)
  end)
  after_each(h.restore)

  it("5.1 the errback sees a CancelledError, the callback beside it nothing", function()
    assert.is_true(d:cancel())
    assert.are.same({ "errback CancelledError" }, t:list())
  end)

  it("2.2 behind a cancel one callback is swallowed, any further fire is refused", function()
    d:cancel()
    d:callback("late")
    assert_fired_already(d)
    assert.are.same({ "errback CancelledError" }, t:list())
  end)

  it("2.2 behind a cancel one errback is swallowed, any further fire is refused", function()
    d:cancel()
    d:errback("late")
    assert_fired_already(d)
    assert.are.same({ "errback CancelledError" }, t:list())
  end)

  it("5.1 a second cancel behind a swallowed callback does nothing", function()
    d:cancel()
    d:callback("late")
    assert.is_false(d:cancel())
    assert_fired_already(d) -- the second cancel does not let another late fire pass
    assert.are.same({ "errback CancelledError" }, t:list())
  end)

  it("5.1 a second cancel behind a swallowed errback does nothing", function()
    d:cancel()
    d:errback("late")
    assert.is_false(d:cancel())
    assert_fired_already(d)
    assert.are.same({ "errback CancelledError" }, t:list())
  end)

  it("5.1 further cancels change nothing and raise nothing", function()
    assert.are.same({ true, false, false }, { d:cancel(), d:cancel(), d:cancel("again") })
    assert.are.same({ "errback CancelledError" }, t:list())
  end)
end)

describe("twisted: cancel with a canceller", function()
  local t
  before_each(function()
    h.manual()
    t = h.trace()
  end)
  after_each(h.restore)

  local function silent() t "canceller" end
  local function failing(d) t "canceller"; d:errback("no") end
  local function succeeding(d) t "canceller"; d:callback("hello") end

  it("5.1 a silent canceller is asked once, however often it is cancelled, and before the errback", function()
    local d = watched(t, silent)
    assert.are.same({ true, false, false }, { d:cancel(), d:cancel(), d:cancel() })
    assert.are.same({ "canceller", "errback CancelledError" }, t:list())
  end)

  it("2.2 behind a silent canceller too one late fire is swallowed, the next one refused", function()
    local d = watched(t, silent)
    d:cancel()
    d:callback("late")
    assert_fired_already(d)
    assert.are.same({ "canceller", "errback CancelledError" }, t:list())
  end)

  it("5.1 a cancel behind a callback asks nobody", function()
    local d = watched(t, failing)
    d:callback("biff")
    assert.is_false(d:cancel())
    assert.are.same({ "callback biff" }, t:list())
    assert.are.equal("success", d:status())
  end)

  it("5.1 a cancel behind an errback asks nobody", function()
    local d = watched(t, failing)
    d:errback("bang")
    assert.is_false(d:cancel())
    assert.are.same({ "errback bang" }, t:list())
  end)

  it("5.1 a canceller that fails the Deferred decides: its error comes, no cancel error", function()
    assert.is_true(watched(t, failing):cancel())
    assert.are.same({ "canceller", "errback no" }, t:list())
  end)

  it("5.1 a canceller that succeeds decides: the callback runs, no errback", function()
    assert.is_true(watched(t, succeeding):cancel())
    assert.are.same({ "canceller", "callback hello" }, t:list())
  end)

  it("5.1 of a Deferred that waits on a returned one only the inner canceller is asked", function()
    local inner = weir.Deferred(silent)
    local outer = weir.Deferred(function() t "outer canceller" end):callback()
    outer:add_callback(function() return inner end)
    assert.is_true(outer:cancel())
    outer:add_callbacks(function() t "callback" end, function(err) t("errback " .. err.name) end)
    assert.are.same({ "canceller", "errback CancelledError" }, t:list())
    assert.are.equal("cancelled", inner:status())
  end)
end)

describe("twisted: what becomes of a canceller", function()
  before_each(h.manual)
  after_each(h.restore)

  -- A Deferred and its canceller that know each other; the canceller is in weak.
  local function circle(weak)
    local canceller = setmetatable({}, { __call = h.ignore })
    canceller.deferred = weir.Deferred(canceller)
    weak[canceller] = true
    return canceller.deferred
  end

  local weak
  before_each(function() weak = setmetatable({}, { __mode = "k" }) end)

  local function fired(how, value)
    local d = circle(weak)
    d[how](d, value)
    return d
  end

  it("2.1 a fired Deferred lets its canceller go, and both are released", function()
    local d = fired("callback")
    assert.is_true(h.released(weak))
    weak[d] = true
    d = nil -- luacheck: ignore
    assert.is_true(h.released(weak))
  end)

  it("2.1 a failed Deferred lets its canceller go, and both are released", function()
    local d = fired("errback", "e"):add_errback(h.ignore)
    assert.is_true(h.released(weak))
    weak[d] = true
    d = nil -- luacheck: ignore
    assert.is_true(h.released(weak))
  end)

  it("2.1 a fired Deferred lets its canceller go while it waits on another that never fires", function()
    local d = fired("callback"):add_callback(function() return weir.Deferred() end)
    assert.are.equal("pending", d:status())
    assert.is_true(h.released(weak))
    weak[d] = true
    d = nil -- luacheck: ignore
    assert.is_true(h.released(weak))
  end)
end)
