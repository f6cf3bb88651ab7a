-- Contract 1.1, 2.1-2.3, 2.5, 2.8, 2.9, 2.11: one Deferred, its outcome, its callbacks and who waits for it.
local weir = require "weir"
local h = require "spec.helper"
local inside = require "weir.busted".it

local function pack_result(d) return table.pack(d:result()) end

local function returner(...)
  local values = table.pack(...)
  return function() return table.unpack(values, 1, values.n) end
end

local function thrower(err)
  return function() error(err, 0) end
end

-- Every Lua type as an error value; nil is tested with rawequal like the others.
local function each_type(check)
  check(nil)
  check(false)
  check(0.5)
  check("text")
  check({})
  check(print)
  check(io.stdout)
  check(coroutine.create(print))
end

local function waiter(t, label, d)
  return weir.spawn(function()
    local got = table.pack(pcall(weir.await, d))
    t(label .. ":" .. tostring(got[1]) .. ":" .. tostring(got[2]))
  end)
end

describe("deferred: outcome", function()
  before_each(h.manual)
  after_each(h.restore)

  it("1.1 a success has 0..n values, holes kept", function()
    assert.are.same({ n = 0 }, pack_result(weir.Deferred():callback()))
    assert.are.same({ n = 1 }, pack_result(weir.Deferred():callback(nil)))
    assert.are.same({ 1, nil, 3, nil, n = 4 }, pack_result(weir.Deferred():callback(1, nil, 3, nil)))
  end)

  inside("1.1 a success of 250 values keeps them through a callback and an await", function()
    local values = {}
    for i = 1, 250 do values[i] = i end
    local d = weir.Deferred():add_callback(function(...) return ... end)
    d:callback(table.unpack(values))
    values.n = 250
    assert.are.same(values, pack_result(d))
    assert.are.same(values, table.pack(weir.await(d)))
  end)

  it("1.1 values keep their identity", function()
    local value, seen = {}, nil
    local d = weir.Deferred():add_callback(function(v) seen = v; return v end)
    d:callback(value)
    assert.is_true(rawequal(value, seen))
    assert.is_true(rawequal(value, d:result()))
  end)

  it("1.1 a failure has one error value of any type, identity kept", function()
    each_type(function(err)
      local d, seen = weir.Deferred(), "nothing"
      d:errback(err)
      d:add_both(function(ok, e) seen = not ok and { e }; error(e, 0) end)
      assert.are.equal("failure", d:status())
      assert.is_true(rawequal(err, seen[1]))
      assert.is_true(rawequal(err, (h.raised(d.result, d))))
    end)
  end)

  it("1.1 a failed coroutine keeps the error's identity, nil included", function()
    each_type(function(err)
      local co = weir.spawn(thrower(err))
      assert.are.equal("failure", co:status())
      assert.is_true(rawequal(err, (h.raised(co.result, co))))
    end)
  end)

  inside("1.1 an awaiter sees the same error object", function()
    each_type(function(err)
      local ok, seen = pcall(weir.await, weir.fail(err))
      assert.is_false(ok)
      assert.is_true(rawequal(err, seen))
    end)
  end)
end)

describe("deferred: making one", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.1 without hooks it is pending and can be cancelled", function()
    local d = weir.Deferred()
    assert.are.equal("pending", d:status())
    assert.is_true(d:cancel())
    assert.are.equal("cancelled", d:status())
  end)

  it("2.1 an empty table of hooks is fine", function()
    assert.are.equal("pending", weir.Deferred({}):status())
  end)

  it("2.1 the canceller is called once, with the Deferred only", function()
    local calls = {}
    local d = weir.Deferred(function(...) calls[#calls + 1] = table.pack(...) end)
    d:cancel("reason")
    d:cancel()
    assert.are.same({ { d, n = 1 } }, calls)
  end)

  it("2.1 a callable table is the canceller, whatever keys it has", function()
    local t = h.trace()
    local canceller = setmetatable({ cancel = function() t("key") end, stray = 1 },
      { __call = function(_, d) t(d) end })
    local d = weir.Deferred(canceller)
    d:cancel()
    assert.are.same({ d }, t:list())
  end)

  it("2.1 hooks cancel, pause, unpause of a table are called with the Deferred", function()
    local t = h.trace()
    local function hook(name)
      return function(...) t(name .. select("#", ...)); t((...)) end
    end
    local d = weir.Deferred { cancel = hook "cancel", pause = hook "pause", unpause = hook "unpause" }
    d:pause()
    d:unpause()
    d:cancel()
    assert.are.same({ "pause1", d, "unpause1", d, "cancel1", d }, t:list())
  end)

  it("2.1 each hook may be left out", function()
    local t = h.trace()
    local d = weir.Deferred { unpause = function() t "unpause" end }
    d:pause()
    d:unpause()
    assert.is_true(d:cancel())
    assert.are.same({ "unpause" }, t:list())
  end)

  it("2.1 an unknown key is an argument error", function()
    for _, hooks in ipairs { { cancle = print }, { print }, { cancel = print, [true] = 1 } } do
      local err = h.raised(function() local d = weir.Deferred(hooks); return d end)
      assert.matches("bad argument #1 to 'Deferred'", err, 1, true)
    end
  end)

  it("2.1 a canceller or hook that cannot be called is an argument error", function()
    for _, bad in ipairs { 1, "x", true, io.stdout, { cancel = 1 }, { pause = "p" }, { unpause = {} } } do
      local err = h.raised(function() local d = weir.Deferred(bad); return d end)
      assert.matches("bad argument #1 to 'Deferred'", err, 1, true)
    end
  end)
end)

describe("deferred: firing", function()
  before_each(h.manual)
  after_each(h.restore)

  local fires = {
    callback = function(d) d:callback("second") end,
    errback = function(d) d:errback("second") end,
  }

  local function assert_already_called(d)
    for _, fire in pairs(fires) do
      assert.are.equal("AlreadyCalledError", h.raised(fire, d).name)
    end
  end

  it("2.2 callback fires with a success, errback with a failure", function()
    local good, bad = weir.Deferred(), weir.Deferred()
    good:callback("v")
    bad:errback("e")
    assert.are.same({ "success", "failure" }, { good:status(), bad:status() })
    assert.are.equal("v", good:result())
    assert.are.equal("e", h.raised(bad.result, bad))
  end)

  it("2.2 firing a fired one raises AlreadyCalledError, the outcome stands", function()
    local good, bad = weir.Deferred():callback("v"), weir.Deferred():errback("e")
    assert_already_called(good)
    assert_already_called(bad)
    assert.are.equal("v", good:result())
    assert.are.equal("e", h.raised(bad.result, bad))
  end)

  it("2.2 one made fired counts as fired", function()
    assert_already_called(weir.succeed())
    local failed = weir.fail("e")
    assert_already_called(failed)
    assert.are.equal("e", h.raised(failed.result, failed))
  end)

  it("2.2 firing it again from inside its own chain, or while it waits, raises", function()
    local d, inner = weir.Deferred(), weir.Deferred()
    local nested
    d:add_callback(function()
      nested = h.raised(fires.callback, d).name
      return inner
    end)
    d:callback()
    assert.are.equal("AlreadyCalledError", nested)
    assert_already_called(d)
    inner:callback("v")
    assert.are.equal("v", d:result())
  end)

  it("2.2 firing again while held raises", function()
    local d = weir.Deferred()
    d:pause()
    d:callback("v")
    assert_already_called(d)
    d:unpause()
    assert.are.equal("v", d:result())
  end)

  local unanswered = {
    ["without a canceller"] = function() return weir.Deferred() end,
    ["with a silent canceller"] = function() return weir.Deferred(function() end) end,
    ["with a canceller that raises"] = function() return weir.Deferred(thrower("oops")) end,
  }

  it("2.2 after an unanswered cancel one late fire is dropped, the next raises", function()
    for label, make in pairs(unanswered) do
      for _, fire in pairs(fires) do
        local t, d = h.trace(), make()
        d:add_both(function(ok, e) t(ok); error(e, 0) end)
        d:cancel()
        local status = d:status()
        fire(d)
        assert.are.equal(status, d:status(), label)
        assert.are.same({ false }, t:list(), label)
        assert_already_called(d)
      end
    end
  end)

  it("2.2 a dropped fire returns d and its failure is reported to nobody", function()
    local reports = h.unhandled()
    local d = weir.Deferred()
    d:cancel()
    assert.are.equal(d, d:errback("late"))
    d = nil -- luacheck: ignore
    h.collect()
    weir.step()
    assert.are.same({}, reports)
  end)

  it("2.2 after a cancel that the canceller answered a late fire raises", function()
    local d = weir.Deferred(function(self) self:callback("answer") end)
    d:cancel()
    assert_already_called(d)
    assert.are.equal("answer", d:result())
  end)

  it("2.2 after a canceller that fired and raised a late fire raises", function()
    h.unhandled()
    local d = weir.Deferred(function(self) self:callback("answer"); error("oops") end)
    d:cancel()
    assert_already_called(d)
    assert.are.equal("answer", d:result())
  end)

  it("2.2 a Deferred among the values is an argument error at callback, nothing fired", function()
    for _, other in ipairs { weir.Deferred(), weir.succeed(1), weir.spawn(h.ignore) } do
      local d = weir.Deferred()
      local err = h.raised(function() d:callback(other) end)
      assert.matches("bad argument #1 to 'callback'", err, 1, true)
      err = h.raised(function() d:callback(1, nil, other) end)
      assert.matches("bad argument #3 to 'callback'", err, 1, true)
      assert.are.equal("pending", d:status())
      assert.are.equal("v", d:callback("v"):result())
    end
  end)

  it("2.2 a Deferred among the values is an argument error in succeed and after", function()
    local d = weir.Deferred()
    local err = h.raised(function() weir.succeed(1, d) end)
    assert.matches("bad argument #2 to 'succeed'", err, 1, true)
    err = h.raised(function() weir.after(1, "v", d) end)
    assert.matches("bad argument #3 to 'after'", err, 1, true)
    assert.is_nil(weir.step()) -- no timer was left armed
  end)

  it("2.2 errback without an argument is an argument error, nothing fired", function()
    local d = weir.Deferred()
    local err = h.raised(function() d:errback() end)
    assert.matches("bad argument #1 to 'errback'", err, 1, true)
    assert.are.equal("pending", d:status())
    d:errback(nil)
    assert.are.equal("failure", d:status())
    d:add_errback(h.ignore)
  end)

  it("2.2 firing a Coroutine from outside raises, alive or finished", function()
    local d = weir.Deferred()
    local co = weir.spawn(weir.await, d)
    local done = weir.spawn(returner("v"))
    for _, fire in pairs(fires) do
      h.raised(fire, co)
      h.raised(fire, done)
    end
    assert.are.equal("waiting", co:status())
    d:callback("v")
    assert.are.equal("v", co:result())
    assert.are.equal("v", done:result())
  end)
end)

describe("deferred: callbacks", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.3 add_callback gets all values, its returns are the next outcome", function()
    local d = weir.Deferred()
    local got
    d:add_callback(function(...) got = table.pack(...); return nil, "b", nil end)
    d:callback(1, nil, 3, nil)
    assert.are.same({ 1, nil, 3, nil, n = 4 }, got)
    assert.are.same({ nil, "b", nil, n = 3 }, pack_result(d))
    assert.are.same({ n = 0 }, pack_result(weir.succeed(1):add_callback(function() end)))
  end)

  it("2.3 add_errback gets the error alone, its returns are a success", function()
    local got
    local d = weir.fail("e"):add_errback(function(...) got = table.pack(...); return 1, nil end)
    assert.are.same({ "e", n = 1 }, got)
    assert.are.same({ 1, nil, n = 2 }, pack_result(d))
  end)

  it("2.3 a callback is passed over by a failure, an errback by a success", function()
    local t = h.trace()
    local good = weir.succeed(1, nil):add_errback(function() t "errback" end)
    local bad = weir.fail("e"):add_callback(function() t "callback" end)
    assert.are.same({}, t:list())
    assert.are.same({ 1, nil, n = 2 }, pack_result(good))
    assert.are.equal("e", h.raised(bad.result, bad))
  end)

  it("2.3 add_callbacks calls one of the two; its own errback does not see f's error", function()
    local t = h.trace()
    local function f() t "f"; error("from f", 0) end
    local function g(e) t("g " .. e); return "mended" end
    local d = weir.succeed():add_callbacks(f, g)
    assert.are.same({ "f" }, t:list())
    assert.are.equal("from f", h.raised(d.result, d))
    assert.are.equal("mended", weir.fail("e"):add_callbacks(f, g):result())
    assert.are.same({ "f", "g e" }, t:list())
  end)

  it("2.3 add_callbacks takes nil for either, not for both", function()
    assert.are.equal(2, weir.succeed(1):add_callbacks(returner(2), nil):result())
    assert.are.equal(3, weir.fail("e"):add_callbacks(nil, returner(3)):result())
    assert.are.equal(1, weir.succeed(1):add_callbacks(nil, h.ignore):result())
    assert.are.equal(2, weir.succeed(1):add_callbacks(returner(2)):result())
    h.raised(function() weir.succeed(1):add_callbacks(nil, nil) end)
    h.raised(function() weir.succeed(1):add_callbacks() end)
  end)

  it("2.3 the others need a function", function()
    local d = weir.Deferred()
    for _, name in ipairs { "add_callback", "add_errback", "add_both" } do
      h.raised(d[name], d)
      h.raised(d[name], d, nil)
      h.raised(d[name], d, 1)
    end
    d:callback("v") -- nothing was added by the failed calls
    assert.are.equal("v", d:result())
  end)

  it("2.3 add_both gets true and the values, or false and the error", function()
    local got = {}
    local function both(...) got[#got + 1] = table.pack(...); return "next" end
    local good, bad = weir.succeed(1, nil):add_both(both), weir.fail(nil):add_both(both)
    assert.are.same({ { true, 1, nil, n = 3 }, { false, nil, n = 2 } }, got)
    assert.are.same({ "next", "next" }, { good:result(), bad:result() })
  end)

  it("2.3 add_both's error and its returned Deferred count as any callback's", function()
    local bad = weir.succeed():add_both(thrower("e"))
    assert.are.equal("e", h.raised(bad.result, bad))
    local inner = weir.Deferred()
    local d = weir.succeed():add_both(function() return inner end)
    assert.are.equal("pending", d:status())
    inner:callback(1, 2)
    assert.are.same({ 1, 2, n = 2 }, pack_result(d))
  end)

  it("2.3 anything callable is a callback", function() -- as in Twisted; the contract says "callable" of hooks only
    local callable = setmetatable({}, { __call = function(_, v) return v + 1 end })
    assert.are.equal(3, weir.succeed(1):add_callback(callable):add_callbacks(callable):result())
    assert.are.equal(2, weir.fail(1):add_errback(callable):result())
  end)

  it("2.3 a raised error is the next failure, identity kept, whatever raised it", function()
    each_type(function(err)
      local adds = {
        weir.succeed():add_callback(thrower(err)),
        weir.fail("first"):add_errback(thrower(err)),
        weir.succeed():add_both(thrower(err)),
      }
      for _, d in ipairs(adds) do
        assert.are.equal("failure", d:status())
        assert.is_true(rawequal(err, (h.raised(d.result, d))))
      end
    end)
  end)

  it("2.3 failure and recovery alternate down the chain", function()
    local t, d = h.trace(), weir.Deferred()
    d:add_callback(function(v) t("a" .. v); error("x", 0) end)
    d:add_callback(function() t "never" end)
    d:add_errback(function(e) t("b" .. e); return "y" end)
    d:add_errback(function() t "never" end)
    d:add_callback(function(v) t("c" .. v); return "z" end)
    d:callback("v")
    assert.are.same({ "av", "bx", "cy" }, t:list())
    assert.are.equal("z", d:result())
  end)

  it("2.3 returning one Deferred waits for it and takes its success or failure", function()
    for _, inner_fire in ipairs { "callback", "errback" } do
      local t, inner, d = h.trace(), weir.Deferred(), weir.Deferred()
      d:add_callback(function() return inner end)
      d:add_both(function(ok, v) t(tostring(ok) .. v) end)
      d:callback()
      assert.are.same({}, t:list())
      inner[inner_fire](inner, "w")
      assert.are.same({ tostring(inner_fire == "callback") .. "w" }, t:list())
    end
  end)

  it("2.3 a returned Deferred that has fired is taken at once", function()
    local d = weir.succeed():add_callback(returner(weir.succeed(1, nil, 3)))
    assert.are.same({ 1, nil, 3, n = 3 }, pack_result(d))
    d = weir.succeed():add_callback(returner(weir.fail("e")))
    assert.are.equal("e", h.raised(d.result, d))
  end)

  it("2.3 an errback may return a Deferred too", function()
    local inner = weir.Deferred()
    local d = weir.fail("e"):add_errback(returner(inner))
    assert.are.equal("pending", d:status())
    inner:callback("mended")
    assert.are.equal("mended", d:result())
  end)

  it("2.3 a weir.coroutine function is a callback whose Coroutine is waited for", function()
    local gate = weir.Deferred()
    local d = weir.Deferred():add_callback(weir.coroutine(function(v) return v .. weir.await(gate) end))
    d:callback("a")
    assert.are.equal("pending", d:status())
    gate:callback("b")
    assert.are.equal("ab", d:result())
  end)

  it("2.3 a Deferred returned beside another value is not waited for", function()
    local inner = weir.Deferred()
    local d = weir.succeed():add_callback(returner(inner, 1)) -- success or failure is left open
    assert.are_not.equal("pending", d:status())
    assert.are.equal("pending", inner:status())
    d:add_errback(h.ignore)
  end)

  it("2.3 callbacks run in the order added, inside the fire", function()
    local t, d = h.trace(), weir.Deferred()
    for i = 1, 5 do d:add_both(function() t(i) end) end
    t "before"
    d:callback()
    t "after"
    assert.are.same({ "before", 1, 2, 3, 4, 5, "after" }, t:list())
  end)

  it("2.3 they run inside add_* when already fired", function()
    local t, d = h.trace(), weir.succeed(1)
    d:add_callback(function(v) t("a" .. v); return 2 end)
    t "between"
    d:add_both(function(_, v) t("b" .. v); error("e", 0) end)
    d:add_errback(function(e) t("c" .. e) end)
    assert.are.same({ "a1", "between", "b2", "ce" }, t:list())
  end)

  it("2.3 one added from inside a callback runs behind those already there", function()
    local t, d = h.trace(), weir.Deferred()
    d:add_callback(function()
      d:add_callback(function() t "third" end)
      t "first"
    end)
    d:add_callback(function() t "second" end)
    d:callback()
    assert.are.same({ "first", "second", "third" }, t:list())
  end)

  it("2.3 one added from inside a callback of a fired Deferred runs behind it", function()
    local t, d = h.trace(), weir.succeed(1)
    d:add_callback(function(v)
      d:add_callback(function(w) t("nested" .. w) end)
      t("outer" .. v)
      return 2
    end)
    assert.are.same({ "outer1", "nested2" }, t:list())
  end)

  it("2.3 none runs while it waits on a returned Deferred; added ones keep their order", function()
    local t, inner, d = h.trace(), weir.Deferred(), weir.Deferred()
    d:add_callback(function() t "a"; return inner end)
    d:add_callback(function(v) t("b" .. v); return v end)
    d:callback()
    d:add_callback(function(v) t("c" .. v) end)
    assert.are.same({ "a" }, t:list())
    inner:callback("!")
    assert.are.same({ "a", "b!", "c!" }, t:list())
  end)

  local function forbidden_in_callback(make_chain)
    for _, wait in ipairs {
      function() return weir.await(weir.succeed(1)) end,
      function() return weir.await(weir.Deferred()) end,
      function() return weir.yield() end,
      function() return weir.sleep(1) end,
      function() return weir.noreturn(print) end,
    } do
      local err
      make_chain(function() err = h.raised(wait) end)
      assert.is_not_nil(err)
    end
  end

  it("2.3 a callback may not wait, from the host", function()
    forbidden_in_callback(function(f) weir.Deferred():add_callback(f):callback() end)
    assert.is_nil(weir.step()) -- nothing stays registered
  end)

  it("2.3 a callback may not wait, fired from inside a coroutine", function()
    forbidden_in_callback(function(f)
      h.inside(function() weir.Deferred():add_callback(f):callback() end)
    end)
  end)

  it("2.3 weir.current() is nil in a callback and back behind it", function()
    local t = h.trace()
    local function note() t(tostring(weir.current())) end
    weir.succeed():add_callback(note)
    local co = weir.spawn(function()
      weir.Deferred():add_callback(note):callback()
      weir.fail("e"):add_errback(note)
      weir.succeed():add_both(note)
      return weir.current() and tostring(weir.current()):match("0x%x+")
    end)
    assert.are.same({ "nil", "nil", "nil", "nil" }, t:list())
    assert.are.equal(tostring(co):match("0x%x+"), co:result())
  end)

  it("2.5 what has run is released while the rest waits, whichever way it was added", function()
    local t, weak, later = h.trace(), setmetatable({}, { __mode = "k" }), weir.Deferred()
    local d = weir.Deferred()
    local function made(name)
      local function f(...) t(name); return ... end
      weak[f] = true
      return f
    end
    d:add_callback(made "callback"):add_errback(made "errback"):add_both(made "both")
    d:add_callbacks(made "one", made "other")
    d:add_callback(function() return later end)
    d:add_callback(function() t "last" end)
    d:callback()
    assert.are.same({ "callback", "both", "one" }, t:list())
    assert.is_true(h.released(weak))
    later:callback()
    assert.are.same({ "callback", "both", "one", "last" }, t:list())
  end)
end)

describe("deferred: waiters", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.5 a waiter is told behind all callbacks, also those added after it came", function()
    local t, d = h.trace(), weir.Deferred()
    waiter(t, "w", d)
    d:add_callback(function(v) t("a" .. v); return v + 1 end)
    d:add_callback(function(v) t("b" .. v); return v + 1 end)
    d:callback(1)
    assert.are.same({ "a1", "b2", "w:true:3" }, t:list())
  end)

  it("2.5 a waiter waits for the Deferred that a callback returned", function()
    local t, d, inner = h.trace(), weir.Deferred(), weir.Deferred()
    waiter(t, "w", d)
    d:add_callback(function() return inner end)
    d:add_callback(function(v) return v .. "!" end)
    d:callback("lost")
    assert.are.same({}, t:list())
    inner:callback("v")
    assert.are.same({ "w:true:v!" }, t:list())
  end)

  it("2.5 chained and adopting Deferreds are told when the chain has run dry", function()
    local d, chained = weir.Deferred(), weir.Deferred()
    local adopter = weir.succeed():add_callback(function() return d end)
    d:chain(chained)
    d:add_callback(function(v) return v * 2 end)
    d:callback(21)
    assert.are.same({ 42, 42 }, { chained:result(), adopter:result() })
  end)

  it("2.5 waiting changes nothing: every awaiter, early or late, gets the same values", function()
    local value, d = {}, weir.Deferred()
    local early1, early2 = weir.spawn(weir.await, d), weir.spawn(weir.await, d)
    d:callback(value, nil, "x", nil)
    local late = weir.spawn(weir.await, d)
    for _, holder in ipairs { early1, early2, late, d } do
      local got = pack_result(holder)
      assert.are.equal(4, got.n)
      assert.is_true(rawequal(value, got[1]))
      assert.are.equal("x", got[3])
    end
  end)

  it("2.5 every awaiter of a failure sees it, and it stays a failure", function()
    local t, d = h.trace(), weir.Deferred()
    waiter(t, "a", d)
    waiter(t, "b", d)
    d:errback("e")
    waiter(t, "c", d)
    assert.are.same({ "a:false:e", "b:false:e", "c:false:e" }, t:list())
    assert.are.equal("failure", d:status())
  end)

  it("2.5 adopting and chaining leave the source's outcome as it was", function()
    local d, other = weir.Deferred(), weir.Deferred()
    local adopter = weir.succeed():add_callback(function() return d end)
    d:chain(other)
    adopter:add_callback(function() return "changed" end)
    other:add_callback(function() return "changed too" end)
    d:callback("v")
    assert.are.same({ "v", "changed", "changed too" }, { d:result(), adopter:result(), other:result() })
  end)

  it("2.5 a callback added later changes the outcome for later waiters only", function()
    local t, d = h.trace(), weir.Deferred()
    waiter(t, "early", d)
    weir.spawn(function() -- the early waiter is told at the fire though it runs later
      d:callback(1)
      d:add_callback(function() return 2 end)
    end)
    waiter(t, "late", d)
    assert.are.same({ "early:true:1", "late:true:2" }, t:list())
  end)
end)

describe("deferred: status and result", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.8 pending, success, failure, cancelled", function()
    local cancelled = weir.Deferred()
    cancelled:cancel()
    local failed = weir.fail("e")
    assert.are.same({ "pending", "success", "failure", "cancelled" },
      { weir.Deferred():status(), weir.succeed():status(), failed:status(), cancelled:status() })
    failed:add_errback(h.ignore)
  end)

  it("2.8 pending also when fired but held", function()
    local d = weir.Deferred()
    d:pause()
    d:callback("v")
    assert.are.equal("pending", d:status())
    d:unpause()
    assert.are.equal("success", d:status())
  end)

  it("2.8 pending also while it waits on a returned Deferred", function()
    local inner = weir.Deferred()
    local d = weir.succeed():add_callback(function() return inner end)
    assert.are.equal("pending", d:status())
    inner:callback()
    assert.are.equal("success", d:status())
  end)

  it("2.8 cancelled is any failure with a cancel error, a recovered one is not", function()
    local source = weir.Deferred()
    source:cancel()
    local err = h.raised(source.result, source)
    assert.are.equal("cancelled", weir.Deferred():errback(err):status())
    assert.are.equal("cancelled", weir.spawn(weir.await, source):status())
    assert.are.equal("success", source:add_errback(function() return "fine" end):status())
  end)

  it("2.8 a live Coroutine is running, waiting, paused, ready; then finished as any", function()
    local t, gate = h.trace(), weir.Deferred()
    local co = weir.spawn(function()
      t(weir.current():status())
      weir.await(gate)
      weir.yield()
    end)
    t(co:status())
    co:pause()
    t(co:status())
    co:unpause()
    t(co:status())
    gate:callback()
    t(co:status())
    weir.step()
    t(co:status())
    assert.are.same({ "running", "waiting", "paused", "waiting", "ready", "success" }, t:list())
  end)

  it("2.8 finished Coroutines are success, failure, cancelled", function()
    local failed, cancelled = weir.spawn(error, "e"), weir.spawn(weir.await, weir.Deferred())
    cancelled:cancel()
    assert.are.same({ "success", "failure", "cancelled" },
      { weir.spawn(returner(1)):status(), failed:status(), cancelled:status() })
    failed:add_errback(h.ignore)
  end)

  it("2.8 result gives the values or raises the error, as often as asked", function()
    local good, bad = weir.succeed(1, nil, 3), weir.fail("e")
    for _ = 1, 2 do
      assert.are.same({ 1, nil, 3, n = 3 }, pack_result(good))
      assert.are.equal("e", h.raised(bad.result, bad))
    end
  end)

  it("2.8 a failure that result raised is handled", function()
    local reports = h.unhandled()
    local d = weir.fail("e")
    h.raised(d.result, d)
    weir.step()
    assert.are.same({}, reports)
  end)

  it("2.8 result of a pending one is a clear error and no outcome", function()
    local inner, held = weir.Deferred(), weir.Deferred()
    held:pause()
    held:callback("v")
    local adopting = weir.succeed():add_callback(function() return inner end)
    local waiting = weir.spawn(weir.await, inner)
    for _, d in ipairs { weir.Deferred(), held, adopting, waiting } do
      local before = d:status()
      assert.matches("pending", tostring(h.raised(d.result, d)))
      assert.are.equal(before, d:status())
    end
  end)
end)

describe("deferred: what the methods return", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.9 cancel is true if there was something to cancel, else false", function()
    local d, co = weir.Deferred(), weir.spawn(weir.await, weir.Deferred())
    assert.are.same({ true, false }, { d:cancel(), d:cancel() })
    assert.are.same({ true, false }, { co:cancel(), co:cancel() })
    assert.is_false(weir.succeed():cancel())
    assert.is_false(weir.fail("e"):add_errback(h.ignore):cancel())
  end)

  it("2.9 cancel hands its reason to the error, any value, nil if none", function()
    for _, reason in ipairs { "why", 7, false, { {} } } do
      local d = weir.Deferred()
      d:cancel(reason)
      assert.is_true(rawequal(reason, h.raised(d.result, d).reason))
    end
    local d = weir.Deferred()
    d:cancel()
    assert.is_nil(h.raised(d.result, d).reason)
  end)

  it("2.9 all other methods return d, pending or fired", function()
    local function pass(...) return ... end
    local function adders(d)
      assert.are.equal(d, d:add_callback(pass))
      assert.are.equal(d, d:add_errback(h.ignore))
      assert.are.equal(d, d:add_callbacks(pass, h.ignore))
      assert.are.equal(d, d:add_both(pass))
      assert.are.equal(d, d:chain(weir.Deferred()))
      assert.are.equal(d, d:timeout(1))
    end
    local d, failing = weir.Deferred(), weir.Deferred()
    adders(d)
    adders(weir.succeed())
    adders(weir.spawn(weir.await, d))
    assert.are.equal(d, d:callback())
    assert.are.equal(failing, failing:errback("e"):add_errback(h.ignore))
  end)
end)

describe("deferred: helpers", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.11 succeed is fired with its values, fail with its error", function()
    assert.are.same({ n = 0 }, pack_result(weir.succeed()))
    assert.are.same({ 1, nil, n = 2 }, pack_result(weir.succeed(1, nil)))
    each_type(function(err)
      local d = weir.fail(err)
      assert.are.equal("failure", d:status())
      assert.is_true(rawequal(err, (h.raised(d.result, d))))
    end)
  end)

  it("2.11 maybe calls f at once: its values, its error, or its Deferred's outcome", function()
    local t = h.trace()
    local d = weir.maybe(function(...) t(select("#", ...)); return ... end, 1, nil)
    assert.are.same({ 2 }, t:list())
    assert.are.same({ 1, nil, n = 2 }, pack_result(d))
    each_type(function(err)
      local failed = weir.maybe(thrower(err))
      assert.is_true(rawequal(err, (h.raised(failed.result, failed))))
    end)
    local inner = weir.Deferred()
    local waiting = weir.maybe(returner(inner))
    assert.are.equal("pending", waiting:status())
    inner:callback("v")
    assert.are.equal("v", waiting:result())
  end)

  it("2.11 maybe needs something to call", function()
    for _, bad in ipairs { 1, "x", {}, weir.Deferred() } do
      local err = h.raised(function() weir.maybe(bad) end)
      assert.matches("bad argument #1 to 'maybe'", err, 1, true)
    end
  end)

  it("2.11 is_deferred knows Deferreds and Coroutines from all else", function()
    assert.is_true(weir.is_deferred(weir.Deferred()))
    assert.is_true(weir.is_deferred(weir.succeed()))
    assert.is_true(weir.is_deferred(weir.spawn(h.ignore)))
    each_type(function(x) assert.is_false(weir.is_deferred(x)) end)
    assert.is_false(weir.is_deferred(weir.Clock()))
    assert.is_false(weir.is_deferred({ callback = print }))
  end)

  it("2.11 is_cancelled knows cancel errors from all else", function()
    local d, twice = weir.Deferred(), weir.succeed()
    d:cancel()
    assert.is_true(weir.is_cancelled(h.raised(d.result, d)))
    assert.is_false(weir.is_cancelled(h.raised(twice.callback, twice)))
    assert.is_false(weir.is_cancelled(d))
    assert.is_false(weir.is_cancelled("CancelledError"))
    each_type(function(x) assert.is_false(weir.is_cancelled(x)) end)
  end)

  local function address(x) return tostring(x):match("0x%x+") end

  it("2.11 tostring of a Deferred: kind, an address of its own, status", function()
    local d, other = weir.Deferred(), weir.succeed()
    assert.matches("Deferred", tostring(d), 1, true)
    assert.is_nil(tostring(d):find("Coroutine", 1, true))
    assert.is_string(address(d))
    assert.are_not.equal(address(d), address(other))
    assert.matches("pending", tostring(d), 1, true)
    assert.matches("success", tostring(other), 1, true)
    d:cancel()
    assert.matches("cancelled", tostring(d), 1, true)
  end)

  it("2.11 tostring of a Coroutine: kind, name, status, what it waits on", function()
    local d = weir.Deferred()
    local co = weir.coroutine(function() weir.await(d) end, "fetcher")()
    local text = tostring(co)
    assert.matches("Coroutine", text, 1, true)
    assert.matches("fetcher", text, 1, true)
    assert.matches("waiting", text, 1, true)
    assert.matches(address(d), text, 1, true)
    d:callback()
    assert.matches("success", tostring(co), 1, true)
    assert.is_nil(tostring(co):find(address(d), 1, true))
  end)

  it("2.11 tostring of a Deferred names the returned Deferred it waits on", function()
    local inner = weir.Deferred()
    local d = weir.succeed():add_callback(function() return inner end)
    assert.matches(address(inner), tostring(d), 1, true)
    inner:callback()
    assert.is_nil(tostring(d):find(address(inner), 1, true))
  end)
end)
