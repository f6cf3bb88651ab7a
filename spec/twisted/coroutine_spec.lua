-- What Twisted promises of one function under inlineCallbacks.
local weir = require "weir"
local h = require "spec.helper"
local ways = require "spec.twisted.ways"

local MANY = h.scale(1e5)

-- One spec for each way to wait.
local function each_way(title, f)
  ways.each(it, ways.all, title, function(way) f(way.wait) end)
end

describe("twisted: one coroutine", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function assert_nothing_reported()
    h.collect()
    weir.step()
    assert.same({}, reports)
  end

  -- A coroutine that notes what its wait on d came to, and returns nothing.
  local function catcher(wait, d)
    return weir.spawn(function()
      local ok, err = pcall(wait, d)
      t(ok)
      t(err)
    end)
  end

  local function assert_caught(co, err)
    assert.same({ false, err }, t:list())
    assert.same({ n = 0 }, table.pack(co:result()))
    assert_nothing_reported()
  end

  each_way("3.3 a wait gives a value or raises an error, and the body returns a value of its own", function(wait)
    local co = weir.spawn(function()
      t(wait(weir.after(0, "first")))
      t(select(2, pcall(wait, weir.fail("second"))))
      return "third"
    end)
    co:add_callback(function(v) t(v); return v end)
    assert.same({}, t:list())
    clock:advance(0)
    assert.same({ "first", "second", "third" }, t:list())
    assert.equal("third", co:result())
  end)

  each_way("3.3 a Coroutine is waited for: its value comes back, its error is raised", function(wait)
    local give = weir.coroutine(function(v) return (weir.await(weir.after(1, v))) end)
    local raise = weir.coroutine(function(err) weir.sleep(1); error(err, 0) end)
    local co = weir.spawn(function()
      t(wait(give("given")))
      t(select(2, pcall(wait, raise("raised"))))
      return "end"
    end)
    clock:advance(1)
    assert.same({ "given" }, t:list())
    clock:advance(1)
    assert.same({ "given", "raised" }, t:list())
    assert.equal("end", co:result())
    assert_nothing_reported()
  end)

  each_way("3.1 an error behind a wait is the failure of the Coroutine, told to its errbacks", function(wait)
    local err = {}
    local co = weir.spawn(function()
      wait(weir.after(1))
      error(err)
    end)
    co:add_errback(t)
    assert.equal("waiting", co:status())
    clock:advance(1)
    assert.equal(1, #t:list())
    assert.is_true(rawequal(err, t:list()[1]))
    assert.equal("success", co:status())
  end)

  each_way("3.3 the error of a Deferred that has failed, once caught, leaves a success", function(wait)
    assert_caught(catcher(wait, weir.fail("lost")), "lost")
  end)

  each_way("3.3 the error of a Deferred that fails later, once caught, leaves a success", function(wait)
    local d = weir.Deferred()
    local co = catcher(wait, d)
    assert.same({}, t:list())
    d:errback("lost")
    assert_caught(co, "lost")
  end)

  each_way("3.3 an error that comes through an inner coroutine, once caught, leaves a success", function(wait)
    local d = weir.Deferred()
    local co = catcher(wait, weir.spawn(function() return (weir.await(d)) end))
    assert.same({}, t:list())
    d:errback("lost")
    assert_caught(co, "lost")
  end)

  each_way("3.3 waits on fired Deferreds in a long row are flat, and done within the call", function(wait)
    local sum = 0
    local co = weir.spawn(function()
      for _ = 1, MANY do sum = sum + wait(weir.succeed(1)) end
      return sum
    end)
    assert.equal(MANY, co:result())
  end)

  it("3.3 plain values yielded in a long row are refused one by one, flat, and the body goes on", function()
    local refused = 0
    local function yield_plainly(v) local back = coroutine.yield(v); return back end
    local co = weir.spawn(function()
      for i = 1, MANY do
        if not pcall(yield_plainly, i) then refused = refused + 1 end
      end
      return "went on"
    end)
    assert.equal("went on", co:result())
    assert.equal(MANY, refused)
  end)

  each_way("3.1 a return without a value, behind a wait, is a success without values", function(wait)
    local d = weir.Deferred()
    local co = weir.spawn(function()
      if wait(d) then return end
      return "not this one"
    end)
    d:callback(true)
    assert.same({ n = 0 }, table.pack(co:result()))
  end)

  each_way("3.1 the value returned behind a wait is the outcome, not the one waited for", function(wait)
    local d = weir.Deferred()
    local co = weir.spawn(function()
      wait(d)
      return "returned"
    end)
    assert.equal("waiting", co:status())
    d:callback("waited for")
    assert.equal("returned", co:result())
  end)

  each_way("3.1 a Coroutine that has ended keeps neither its body nor its arguments", function(wait)
    local weak = setmetatable({}, { __mode = "k" })
    local function start(gate)
      local argument = {}
      local function body(held)
        wait(gate)
        return held == argument
      end
      weak[argument], weak[body] = true, true
      return weir.spawn(body, argument)
    end
    local gate = weir.Deferred()
    local co = start(gate)
    assert.is_false(h.released(weak))
    gate:callback()
    assert.is_true(h.released(weak))
    assert.is_true(co:result())
  end)

  each_way("1.1 a Coroutine that is dropped goes, and the value that it ended with", function(wait)
    local weak = setmetatable({}, { __mode = "k" })
    local function run_and_drop()
      local value = {}
      local co = weir.spawn(function(v)
        wait(weir.succeed())
        return v
      end, value)
      assert.is_true(rawequal(value, co:result()))
      weak[value], weak[co] = true, true
    end
    run_and_drop()
    assert.is_true(h.released(weak))
  end)
end)
