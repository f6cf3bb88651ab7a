-- What Twisted promises of the cancel of a function under inlineCallbacks, and where the contract departs from it.
local weir = require "weir"
local h = require "spec.helper"
local ways = require "spec.twisted.ways"

-- How the coroutine that is cancelled comes to wait: by itself, or through an inner one at its first or second wait.
local shapes = {}
for _, way in ipairs(ways.all) do
  table.insert(shapes, { name = way.name, outer = way.wait })
end
for _, pair in ipairs(ways.pairs) do
  table.insert(shapes, pair)
  table.insert(shapes, { name = pair.name .. ", second wait", outer = pair.outer, inner = pair.inner, second = true })
end

local function each_shape(title, f) ways.each(it, shapes, title, f) end

local function error_of(d) return h.raised(d.result, d) end

-- Adds a callback that runs f and lets the outcome be.
local function tap(d, f)
  return d:add_both(function(ok, ...)
    f(ok, ...)
    if not ok then error(..., 0) end
    return ...
  end)
end

describe("twisted: cancel of a coroutine", function()
  local t, reports
  before_each(function()
    h.manual()
    reports, t = h.unhandled(), h.trace()
  end)
  after_each(h.restore)

  -- A coroutine that waits for d in the given shape; its outcome is what `translate` makes of the wait's.
  local function waiter(shape, d, translate)
    local first = weir.Deferred()
    local co = weir.spawn(function()
      if shape.second then shape.outer(first) end
      local inner = shape.inner and weir.spawn(function() return (shape.inner(d)) end)
      return translate(pcall(shape.outer, inner or d))
    end)
    first:callback()
    assert.equal("waiting", co:status())
    return co
  end

  local function pass(ok, ...)
    if not ok then error(..., 0) end
    return ...
  end

  -- Of the bare outcome of a wait: its kind alone.
  local function kind(ok, err) return ok and "value" or weir.is_cancelled(err) and "cancel" or err end

  each_shape("5.2 what is waited for is cancelled first, within the call", function(shape)
    local d = tap(weir.Deferred(), function(...) t("inner " .. kind(...)) end)
    local co = tap(waiter(shape, d, pass), function(...) t("outer " .. kind(...)) end)
    t "call"
    assert.is_true(co:cancel())
    assert.same({ "call", "inner cancel", "outer cancel" }, t:list())
  end)

  each_shape("5.6 the Coroutine ends with the cancel error that ended what it waited for", function(shape)
    local d = weir.Deferred()
    local co = waiter(shape, d, pass)
    assert.is_true(co:cancel("not needed"))
    assert.equal("cancelled", co:status())
    assert.equal("not needed", error_of(co).reason)
    assert.is_true(rawequal(error_of(d), error_of(co)))
  end)

  each_shape("5.2 the cancel error, not the canceller's own, is seen and can be translated", function(shape)
    local d = weir.Deferred(function(self) self:errback("hung up") end)
    local co = waiter(shape, d, function(...)
      t(kind(...))
      error("translated", 0)
    end)
    assert.is_true(co:cancel())
    assert.same({ "cancel" }, t:list())
    assert.equal("translated", error_of(co))
    weir.step()
    assert.equal(1, #reports)
    assert.equal("hung up", reports[1].err)
  end)

  each_shape("5.6 a value returned in place of the error does not undo the cancel", function(shape)
    local d = weir.Deferred(function(self) self:errback("hung up") end)
    local co = waiter(shape, d, function(...)
      t(kind(...))
      return "a value all the same"
    end)
    assert.is_true(co:cancel("not needed"))
    assert.same({ "cancel" }, t:list())
    assert.equal("cancelled", co:status())
    assert.equal("not needed", error_of(co).reason)
  end)

  each_shape("5.2 it has not ended while an errback of what it waits for waits for more", function(shape)
    local more = weir.Deferred()
    local d = weir.Deferred():add_errback(function(err)
      t(kind(false, err))
      return more
    end)
    local co = tap(waiter(shape, d, pass), function(...) t("ended: " .. kind(...)) end)
    assert.is_true(co:cancel())
    assert.same({ "cancel" }, t:list())
    assert.equal("waiting", co:status())
    more:callback("late")
    assert.same({ "cancel", "ended: cancel" }, t:list())
    assert.equal("cancelled", co:status())
  end)

  ways.each(it, ways.all, "5.5 a wait behind a caught cancel is cleanup, no second cancel reaches it", function(way)
    local first = weir.Deferred(function() t "first" end)
    local second = weir.Deferred(function() t "second" end)
    local co = weir.spawn(function()
      pcall(way.wait, first)
      t(way.wait(second))
    end)
    assert.is_true(co:cancel("why"))
    assert.same({ "first" }, t:list())
    assert.is_false(co:cancel("once more"))
    assert.same({ "first" }, t:list())
    assert.equal("waiting", co:status())
    second:callback("done")
    assert.same({ "first", "done" }, t:list())
    assert.equal("why", error_of(co).reason)
  end)
end)
