-- What Twisted promises of functions under inlineCallbacks that wait for each other.
local weir = require "weir"
local h = require "spec.helper"
local ways = require "spec.twisted.ways"

-- One spec for each way in which an outer and an inner coroutine may wait.
local function each_pair(title, f)
  ways.each(it, ways.pairs, title, function(pair) f(pair.outer, pair.inner) end)
end

describe("twisted: coroutines that wait for each other", function()
  local t, parked
  before_each(function()
    h.manual()
    h.unhandled()
    t, parked = h.trace(), {}
  end)
  after_each(h.restore)

  -- Notes the number that goes into f and the one that comes out.
  local function noted(name, f)
    return function(n)
      t(name .. " <- " .. n)
      local result = f(n)
      t(name .. " -> " .. result)
      return result
    end
  end

  local function coroutine_of(name, f) return weir.coroutine(noted(name, f), name) end

  -- A Deferred that fire_parked() will fire.
  local function park(method, ...)
    local d = weir.Deferred()
    parked[#parked + 1] = { d, method, ... }
    return d
  end

  -- In order; also those that come in the meantime.
  local function fire_parked()
    local i = 1
    while parked[i] do
      local d, method, value = table.unpack(parked[i])
      d[method](d, value)
      i = i + 1
    end
  end

  -- Waits until its own argument comes back, and adds 1.
  local function leaf_of(wait)
    return coroutine_of("leaf", function(n) return wait(park("callback", n)) + 1 end)
  end

  -- Waits for what cannot come.
  local function failing_of(wait)
    return coroutine_of("failing", function() return wait(park("errback", "refused")) end)
  end

  local function add_two(n) return n + 2 end

  -- A coroutine's Coroutine, with a callback between it and whoever waits for it.
  local function with_callback(f, n) return f(n):add_callback(noted("callback", add_two)) end

  local function assert_ends(co, value, trace)
    assert.equal("waiting", co:status())
    fire_parked()
    assert.same(trace, t:list())
    assert.equal(value, co:result())
  end

  each_pair("3.3 three levels that wait once each: down in order, up in order", function(outer, inner)
    local leaf = leaf_of(outer)
    local middle = coroutine_of("middle", function(n) return inner(leaf(n)) + 2 end)
    local top = coroutine_of("top", function(n) return outer(middle(n)) + 4 end)
    assert_ends(top(1), 8,
      { "top <- 1", "middle <- 1", "leaf <- 1", "leaf -> 2", "middle -> 4", "top -> 8" })
  end)

  each_pair("3.3 three levels that wait several times each: one after the other", function(outer, inner)
    local leaf = leaf_of(outer)
    local middle = coroutine_of("middle", function(n) return inner(leaf(inner(leaf(n)))) + 2 end)
    local top = coroutine_of("top", function(n) return outer(middle(outer(middle(n)))) + 4 end)
    assert_ends(top(1), 13, {
      "top <- 1",
      "middle <- 1", "leaf <- 1", "leaf -> 2", "leaf <- 2", "leaf -> 3", "middle -> 5",
      "middle <- 5", "leaf <- 5", "leaf -> 6", "leaf <- 6", "leaf -> 7", "middle -> 9",
      "top -> 13",
    })
  end)

  each_pair("2.5 a callback of an inner Coroutine that ends at once runs before the waiter", function(outer, inner)
    local leaf = coroutine_of("leaf", function(n) return inner(weir.succeed(n)) + 1 end)
    local top = coroutine_of("top", function(n) return outer(with_callback(leaf, n)) + 4 end)
    assert.equal(8, top(1):result())
    assert.same({ "top <- 1", "leaf <- 1", "leaf -> 2", "callback <- 2", "callback -> 4", "top -> 8" }, t:list())
  end)

  each_pair("2.5 a callback of an inner Coroutine that waits runs before the waiter", function(outer, inner)
    local leaf = leaf_of(inner)
    local top = coroutine_of("top", function(n) return outer(with_callback(leaf, n)) + 4 end)
    assert_ends(top(1), 8,
      { "top <- 1", "leaf <- 1", "leaf -> 2", "callback <- 2", "callback -> 4", "top -> 8" })
  end)

  each_pair("2.5 a callback of the second of two inner Coroutines runs before the waiter", function(outer, inner)
    local leaf = leaf_of(inner)
    local top = coroutine_of("top", function(n) return outer(with_callback(leaf, outer(leaf(n)))) + 4 end)
    assert_ends(top(1), 9, {
      "top <- 1", "leaf <- 1", "leaf -> 2", "leaf <- 2", "leaf -> 3", "callback <- 3", "callback -> 5", "top -> 9",
    })
  end)

  -- Notes the error that a failing coroutine raises at the wait.
  local function catch(outer, co)
    local ok, err = pcall(outer, co)
    t(tostring(ok) .. " " .. err)
  end

  each_pair("3.3 an error ends the inner coroutine at its wait and is raised at the outer's", function(outer, inner)
    local failing = failing_of(inner)
    local top = coroutine_of("top", function(n)
      catch(outer, failing(n))
      return n + 4
    end)
    assert_ends(top(1), 5, { "top <- 1", "failing <- 1", "false refused", "top -> 5" })
  end)

  each_pair("3.3 an error is raised at the second wait of the outer when the first went well", function(outer, inner)
    local leaf, failing = leaf_of(inner), failing_of(inner)
    local top = coroutine_of("top", function(n)
      n = outer(leaf(n))
      catch(outer, failing(n))
      return n + 4
    end)
    assert_ends(top(1), 6,
      { "top <- 1", "leaf <- 1", "leaf -> 2", "failing <- 2", "false refused", "top -> 6" })
  end)
end)
