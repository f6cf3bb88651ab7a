-- Deferreds returned from callbacks, as in Twisted's DeferredTests: who is told when, and what each keeps.
local weir = require "weir"
local h = require "spec.helper"

local function returner(d)
  return function() return d end
end

-- A Deferred of its own that waits on d.
local function waiting_on(d) return weir.succeed():add_callback(returner(d)) end

local function failure_of(d) return h.raised(d.result, d) end

describe("twisted: a Deferred in a Deferred", function()
  local t
  before_each(function()
    h.manual()
    t = h.trace()
  end)
  after_each(h.restore)

  local function noting(name)
    return function(v)
      t(name .. " " .. tostring(v))
      return v
    end
  end

  local function doubling(v)
    t("second " .. v)
    return v .. v
  end

  -- A callback: the Deferred that it returns waits on make_inner()'s, then doubles what that brought.
  local function middle(make_inner)
    return function(v)
      t("start " .. v)
      local d = weir.Deferred()
      d:add_callback(function(w) t("first " .. w); return make_inner() end):add_callback(doubling)
      return d:callback("middle")
    end
  end

  it("2.3 the callbacks of the middle one run when the inner one fires, before the outer one's", function()
    local inner = weir.Deferred()
    local outer = weir.succeed("outer"):add_callback(middle(function() return inner end))
    inner:callback("orange")
    t "fired"
    outer:add_callback(noting "outer")
    assert.are.same({ "start outer", "first middle", "second orange", "fired", "outer orangeorange" }, t:list())
  end)

  it("2.3 a middle one that fires inside the callback goes on though another waits on the inner one first", function()
    local inner = weir.Deferred()
    weir.succeed("outer"):add_callback(middle(function()
      waiting_on(inner):add_callback(noting "other")
      return waiting_on(inner)
    end))
    inner:callback("v")
    assert.are.same({ "start outer", "first middle", "other v", "second v" }, t:list())
  end)

  it("2.3 a callback added behind one that returned a Deferred runs behind that one's callbacks", function()
    local inner, outer = weir.Deferred(), weir.Deferred()
    outer:add_callback(middle(function() return waiting_on(inner) end))
    outer:add_callback(noting "final")
    outer:callback("outer")
    t "waiting"
    inner:callback("v")
    assert.are.same({ "start outer", "first middle", "waiting", "second v", "final vv" }, t:list())
  end)

  it("2.3 an outer one goes on inside the fire of the innermost", function()
    local inner = weir.Deferred()
    local outer = weir.succeed("outer"):add_callback(middle(function() return inner end))
    outer:add_callback(noting "outer")
    t "before"
    inner:callback("orange")
    t "behind"
    assert.are.same({ "start outer", "first middle", "before", "second orange", "outer orangeorange", "behind" },
      t:list())
    assert.are.same({ "orange", "orangeorange" }, { inner:result(), outer:result() })
  end)

  it("2.3 what the inner one's own callbacks made of the value is what goes outwards", function()
    local inner = weir.Deferred()
    local outer = weir.succeed("outer"):add_callback(middle(function()
      return inner:add_callback(function(v) t("transform " .. v); return "<" .. v .. ">" end)
    end))
    outer:add_callback(noting "outer")
    inner:callback("v")
    assert.are.same({ "start outer", "first middle", "transform v", "second <v>", "outer <v><v>" }, t:list())
  end)

  it("2.3 an errback that returns a Deferred makes a success of its success", function()
    local inner, outer = weir.Deferred(), weir.Deferred()
    outer:add_errback(returner(inner)):add_callback(noting "outer")
    outer:errback("e")
    assert.are.same({ {}, "pending" }, { t:list(), outer:status() })
    inner:callback("mended")
    assert.are.same({ "outer mended" }, t:list())
  end)

  it("2.3 waiting is transitive: the fire of the innermost goes through to the outermost", function()
    local first, second, third = weir.Deferred(), weir.Deferred(), weir.Deferred()
    second:add_callback(returner(first))
    third:add_callback(returner(second)):add_callback(noting "third")
    second:callback("lost")
    third:callback("lost too")
    assert.are.same({ {}, "pending", "pending" }, { t:list(), second:status(), third:status() })
    first:callback("v")
    assert.are.same({ "third v" }, t:list())
  end)

  it("2.5 callbacks added late to the middle one of three see the innermost one's value", function()
    local first, second, third = weir.Deferred(), weir.Deferred(), weir.Deferred()
    first:add_callback(returner(second))
    second:add_callback(returner(third))
    second:callback()
    first:callback()
    third:callback("v")
    second:add_callback(noting "second")
    assert.are.same({ "second v" }, t:list())
    assert.are.equal("v", first:result())
  end)

  it("2.5 a fired one that is returned gives its value and keeps it", function()
    local value = {}
    local first = weir.succeed(value)
    local second = waiting_on(first)
    assert.is_true(rawequal(value, first:result()))
    assert.is_true(rawequal(value, second:result()))
  end)

  it("2.5 a pending one that is returned runs its own callbacks first, late ones too, and keeps its value", function()
    local first = weir.Deferred()
    local second = waiting_on(first):add_callback(noting "second")
    first:add_callback(function(v) t("first " .. v); return v .. "!" end)
    assert.are.same({}, t:list())
    first:callback("v")
    assert.are.same({ "first v", "second v!" }, t:list())
    assert.are.same({ "v!", "v!" }, { first:result(), second:result() })
  end)

  it("2.5 a failed one that is returned stays failed, and its failure is handled", function()
    local reports, err = h.unhandled(), {}
    local first = weir.fail(err)
    local second = waiting_on(first):add_errback(function(e) t(rawequal(err, e)) end)
    first:add_callback(noting "never")
    assert.are.same({ true }, t:list())
    assert.are.same({ "failure", "success" }, { first:status(), second:status() })
    first, second = nil, nil -- luacheck: ignore
    h.collect()
    weir.step()
    assert.are.same({}, reports)
  end)

  it("2.5 a pending one that is returned and fails stays failed: callbacks of it are passed over", function()
    local reports = h.unhandled()
    local first = weir.Deferred()
    local second = waiting_on(first):add_errback(noting "second failed")
    first:add_callback(noting "never")
    second:add_callback(noting "second")
    first:errback("e")
    assert.are.same({ "second failed e", "second e" }, t:list())
    assert.are.same({ "failure", "success" }, { first:status(), second:status() })
    first, second = nil, nil -- luacheck: ignore
    h.collect()
    weir.step()
    assert.are.same({}, reports)
  end)
end)

local function stack_levels()
  local n = 1
  while debug.getinfo(n, "l") do n = n + 1 end
  return n
end

-- The number of stack levels in a callback of the outermost of n fired Deferreds, each waiting on the next.
local function depth_behind(n)
  local list, depth = {}, nil
  for i = 1, n + 1 do list[i] = weir.Deferred() end
  for i = 1, n do list[i]:add_callback(returner(list[i + 1])) end
  list[1]:add_callback(function() depth = stack_levels() end)
  for i = 1, n do list[i]:callback() end
  assert.is_nil(depth)
  list[n + 1]:callback()
  return depth
end

describe("twisted: depth and circles", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.4 a callback runs at the same stack depth however many Deferreds wait on each other", function()
    local one = depth_behind(1)
    assert.are.same({ one, one }, { depth_behind(2), depth_behind(1000) })
  end)

  it("2.10 a callback that returns its own Deferred fails it with a DeadlockError, reported if unhandled", function()
    local reports = h.unhandled()
    local d = weir.Deferred()
    d:add_callback(returner(d))
    d:callback("foo")
    assert.are.equal("failure", d:status())
    weir.step()
    assert.are.equal(1, #reports)
    assert.are.equal("DeadlockError", reports[1].err.name)
    assert.is_true(rawequal(reports[1].err, failure_of(d)))
  end)
end)
