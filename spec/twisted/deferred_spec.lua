-- One Deferred as Twisted's users know it: its callbacks, how it is made and held, maybe, what tostring tells.
local weir = require "weir"
local h = require "spec.helper"

local function failure_of(d) return h.raised(d.result, d) end

-- A callback that notes its name and all it was given, and passes that on.
local function noting(t, name)
  return function(...)
    t { name, ... }
    return ...
  end
end

describe("twisted: callbacks", function()
  local t, d
  before_each(function()
    h.manual()
    t, d = h.trace(), weir.Deferred()
  end)
  after_each(h.restore)

  it("2.3 a success goes to the callback and not to the errback beside it", function()
    d:add_callbacks(noting(t, "callback"), noting(t, "errback"))
    d:callback("hello")
    assert.are.same({ { "callback", "hello" } }, t:list())
  end)

  it("2.3 a callback gets the values of the Deferred alone, whatever stood behind it at the add", function()
    d:add_callback(noting(t, "add_callback"), "world")
    d:add_both(noting(t, "add_both"), "world")
    d:add_callbacks(noting(t, "add_callbacks"), noting(t, "errback"), "world")
    d:callback("hello")
    assert.are.same({ { "add_callback", "hello" }, { "add_both", true, "hello" }, { "add_callbacks", true, "hello" } },
      t:list())
  end)

  it("2.3 the second callback gets what the first one returned", function()
    d:add_callback(function(v) t { "first", v }; return v .. ", world", 2 end)
    d:add_callback(noting(t, "second"))
    d:callback("hello")
    assert.are.same({ { "first", "hello" }, { "second", "hello, world", 2 } }, t:list())
  end)

  it("2.3 a pair without an errback lets the error itself through to the next errback", function()
    local err = { "oopsie" }
    d:add_callbacks(noting(t, "callback"), nil)
    d:errback(err)
    d:add_errback(noting(t, "errback"))
    assert.are.same({ { "errback", err } }, t:list())
    assert.is_true(rawequal(err, t:list()[1][2]))
  end)

  it("2.3 a runtime error in a callback goes to the next errback", function()
    d:add_callback(function(v) return #v end):add_errback(function(err) t(err:match("attempt .-value")) end)
    d:callback(1)
    assert.are.same({ "attempt to get length of a number value" }, t:list())
  end)

  it("2.3 an error object that is returned is a value; raised, it is the failure, the next is passed over", function()
    local err = { name = "RuntimeError" }
    assert.is_true(rawequal(err, weir.succeed():add_callback(function() return err end):result()))
    local function raise_it() t "called"; error(err) end
    d:add_callback(raise_it):add_callback(raise_it)
    d:callback()
    assert.are.same({ "called" }, t:list())
    assert.is_true(rawequal(err, failure_of(d)))
  end)

  it("2.3 one added inside a callback, in the fire, does not run before that one has returned", function()
    d:add_callback(function()
      d:add_callback(function() t "added" end)
      t "end of the first"
    end)
    d:callback()
    t "fired"
    assert.are.same({ "end of the first", "added", "fired" }, t:list())
  end)

  it("2.3 the error of one added inside a callback is the failure that the next errback sees", function()
    d:add_callback(function()
      d:add_callback(function() error("from the added one", 0) end)
    end)
    d:callback()
    d:add_errback(noting(t, "errback"))
    assert.are.same({ { "errback", "from the added one" } }, t:list())
  end)

  it("2.2 errback takes no current error: a message handler too has to hand it over", function()
    local err, refused = { "bang" }, nil
    xpcall(error, function(e)
      refused = h.raised(function() d:errback() end)
      d:errback(e)
    end, err)
    assert.matches("bad argument #1 to 'errback'", refused, 1, true)
    assert.is_true(rawequal(err, failure_of(d)))
  end)
end)

-- What can be seen of a Deferred that has fired, its address apart.
local function look(d)
  local second = h.raised(d.callback, d, "again").name
  local waiter = weir.spawn(pcall, weir.await, d)
  return { d:status(), tostring(d):gsub("0x%x+", "address"), second, table.pack(waiter:result()) }
end

describe("twisted: made fired", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.11 one made with succeed or fail looks like one fired by hand", function()
    assert.are.same(look(weir.Deferred():callback("v", nil)), look(weir.succeed("v", nil)))
    assert.are.same(look(weir.Deferred():errback("e")), look(weir.fail("e")))
    assert.are_not.same(look(weir.fail("e")), look(weir.succeed("e")))
  end)
end)

describe("twisted: held", function()
  local t
  before_each(function()
    h.manual()
    t = h.trace()
  end)
  after_each(h.restore)

  it("6.1 an errback that is added to a held failure waits for the unpause", function()
    local d = weir.fail("fail"):pause()
    d:add_errback(noting(t, "errback"))
    assert.are.same({}, t:list())
    d:unpause()
    assert.are.same({ { "errback", "fail" } }, t:list())
  end)

  it("6.1 held and freed before the fire: the callback runs in the fire", function()
    local d = weir.Deferred():pause():add_callback(noting(t, "callback")):unpause()
    assert.are.same({ {}, "pending" }, { t:list(), d:status() })
    d:callback("v")
    assert.are.same({ { "callback", "v" } }, t:list())
  end)

  it("6.1 a held Deferred that a callback returned is waited for, fired or not, until its unpause", function()
    local outer, inner = weir.Deferred(), weir.Deferred():pause()
    outer:add_callback(function() return inner end):add_callback(noting(t, "outer"))
    outer:callback(1)
    assert.are.same({}, t:list())
    inner:callback(2)
    assert.are.same({}, t:list())
    inner:unpause()
    assert.are.same({ { "outer", 2 } }, t:list())
  end)

  it("6.3 a held Deferred holds the one it waits on, whose callbacks wait for the unpause too", function()
    local outer, inner = weir.Deferred(), weir.Deferred()
    outer:add_callback(function() return inner end):add_callback(noting(t, "outer"))
    outer:callback()
    outer:pause()
    inner:callback("v")
    inner:add_callback(noting(t, "inner"))
    assert.are.same({}, t:list())
    outer:unpause()
    assert.are.same({ { "inner", "v" }, { "outer", "v" } }, t:list())
  end)
end)

describe("twisted: maybe", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.11 maybe gives the very value that f returns", function()
    local value = {}
    assert.is_true(rawequal(value, weir.maybe(function() return value end):result()))
  end)

  it("2.11 maybe hands its arguments to f", function()
    assert.are.equal(15, weir.maybe(function(a, b) return a + b end, 10, 5):result())
  end)

  it("2.11 maybe makes a failure of a runtime error in f", function()
    local d = weir.maybe(function(v) return #v end, 10)
    assert.are.equal("failure", d:status())
    assert.matches("attempt to get length of a number value", failure_of(d), 1, true)
  end)

  it("2.11 maybe takes an error object that f returns for a value", function()
    local d = weir.Deferred()
    d:cancel()
    local err = failure_of(d)
    local made = weir.maybe(function() return err end)
    assert.are.equal("success", made:status())
    assert.is_true(rawequal(err, made:result()))
  end)

  it("2.11 maybe gives the Deferred itself that f returns, which succeeds later", function()
    local d = weir.Deferred()
    assert.is_true(rawequal(d, weir.maybe(function() return d end)))
    assert.are.equal("pending", d:status())
    d:callback("v")
    assert.are.equal("v", d:result())
  end)

  it("2.11 maybe gives the Deferred itself that f returns, which fails later, with its error", function()
    local d, err = weir.Deferred(), {}
    local same = weir.maybe(function() return d end)
    d:errback(err)
    assert.is_true(rawequal(d, same))
    assert.is_true(rawequal(err, failure_of(same)))
  end)

  it("2.11 maybe of a coroutine function gives its Coroutine", function()
    local gate = weir.Deferred()
    local co = weir.maybe(weir.coroutine(function(v) return weir.await(gate) + v end, "adder"), 4)
    assert.matches("Coroutine 'adder'", tostring(co), 1, true)
    gate:callback(3)
    assert.are.equal(7, co:result())
  end)

  it("2.11 maybe of a function that calls a coroutine function gives that Coroutine", function()
    local co
    local f = weir.coroutine(function() return 7 end)
    local d = weir.maybe(function() co = f(); return co end):add_callback(function(v) return v + 1 end)
    assert.is_true(rawequal(co, d))
    assert.are.equal(8, d:result())
  end)

  it("2.11 maybe of a coroutine function that raises gives the Coroutine with that error", function()
    local err = {}
    local f = weir.coroutine(function() error(err) end)
    local d = weir.maybe(function() return f() end)
    assert.matches("Coroutine", tostring(d), 1, true)
    assert.is_true(rawequal(err, failure_of(d)))
  end)
end)

describe("twisted: tostring", function()
  before_each(h.manual)
  after_each(h.restore)

  local function name_of(d) return tostring(d):match("^%w+: 0x%x+") end

  it("2.11 tostring tells that a Deferred succeeded, not with what", function()
    local d = weir.Deferred():callback("orange")
    assert.are.equal(name_of(d) .. " (success)", tostring(d))
  end)

  it("2.11 tostring of a Deferred that another chains into names that one at once", function()
    local source, d = weir.Deferred(), weir.Deferred()
    assert.are.equal(name_of(d) .. " (pending)", tostring(d))
    source:chain(d)
    assert.are.equal(name_of(d) .. " (pending, waits on " .. name_of(source) .. ")", tostring(d))
    assert.are.equal(name_of(source) .. " (pending)", tostring(source))
  end)

  it("2.11 tostring names the source of a chain no longer when that has fired", function()
    local source, d = weir.Deferred(), weir.Deferred()
    d:add_callback(function() return weir.Deferred() end)
    source:chain(d)
    source:callback()
    assert.are.equal("pending", d:status())
    assert.is_nil(tostring(d):find(name_of(source), 1, true))
  end)
end)

describe("twisted: what a failure keeps", function()
  local old
  before_each(function()
    h.manual()
    old = weir.debug(false)
  end)
  after_each(function()
    weir.debug(old)
    h.restore()
  end)

  local function fail_with_locals(weak)
    return weir.succeed():add_callback(function()
      local kept_by_nobody = {}
      weak[kept_by_nobody] = true
      error("bang " .. tostring(#kept_by_nobody), 0)
    end)
  end

  it("1.1 a failure keeps its error and none of the variables of the callback that raised it", function()
    local weak = setmetatable({}, { __mode = "k" })
    local d = fail_with_locals(weak)
    assert.is_true(h.released(weak))
    assert.are.equal("bang 0", failure_of(d))
  end)

  it("1.1 a failure keeps none of the variables with debug on either", function()
    weir.debug(true)
    local weak = setmetatable({}, { __mode = "k" })
    local d = fail_with_locals(weak)
    assert.is_true(h.released(weak))
    assert.are.equal("bang 0", failure_of(d))
  end)
end)
