-- Contract section 8: reports of unhandled failures, tracebacks, error objects, argument errors.
local weir = require "weir"
local h = require "spec.helper"

-- The interpreter that runs this spec: the lowest entry of the command line.
local function interpreter()
  local i = 0
  while arg and arg[i - 1] do i = i - 1 end
  return i < 0 and arg[i] or "lua5.4"
end

-- Runs a program in a Lua state of its own, to its lua_close: what it wrote to both outputs.
local function run_program(text, redirect)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath))
  file:write('local weir = require "weir"\n', text)
  file:close()
  local pipe = assert(io.popen(("%s %s %s"):format(interpreter(), path, redirect or "2>&1")))
  local output = pipe:read("a")
  local ok = pipe:close()
  os.remove(path)
  return output, ok
end

local function occurrences(text, word)
  local n = 0
  for _ in text:gmatch(word) do n = n + 1 end
  return n
end

local function errors_of(reports)
  local list = {}
  for i, report in ipairs(reports) do list[i] = report.err end
  return list
end

-- The words found in the text, in the order they are given; fails if they stand in another order.
local function assert_in_order(text, ...)
  local from = 1
  for _, word in ipairs { ... } do
    local _, stop = text:find(word, from, true)
    assert(stop, ("%q not found in its place in:\n%s"):format(word, text))
    from = stop + 1
  end
end

local function drop_failure() weir.fail("dropped") end

describe("failure: unhandled", function()
  before_each(h.manual)
  after_each(h.restore)

  it("8.1 is reported once, when step goes idle, with the error, a traceback, the Deferred", function()
    local reports, err = h.unhandled(), {}
    local d = weir.fail(err)
    assert.are.equal(0, #reports)
    weir.step()
    assert.are.equal(1, #reports)
    assert.is_true(rawequal(err, reports[1].err))
    assert.are.equal(d, reports[1].d)
    weir.step()
    weir.run()
    d = nil -- luacheck: ignore
    reports[1].d = nil
    h.collect()
    weir.step()
    assert.are.equal(1, #reports)
  end)

  it("8.1 is reported when run goes idle", function()
    local reports = h.unhandled()
    local d = weir.fail("e")
    weir.run()
    assert.are.same({ "e" }, errors_of(reports))
    assert.are.equal("failure", d:status())
  end)

  it("8.1 is reported at collection, and not again later", function()
    local reports = h.unhandled()
    drop_failure()
    h.collect()
    assert.are.same({ "dropped" }, errors_of(reports))
    weir.step()
    assert.are.same({ "dropped" }, errors_of(reports))
  end)

  it("8.1 several are reported in the order they failed", function()
    local reports = h.unhandled()
    local kept = { weir.fail("a"), weir.spawn(error, "b", 0), weir.Deferred():errback("c") }
    weir.step()
    assert.are.same({ "a", "b", "c" }, errors_of(reports))
    assert.are.equal(3, #kept)
  end)

  it("8.1 a failed coroutine is reported with itself and the stack where it failed", function()
    local reports = h.unhandled()
    local function raise_here() error("e", 0) end
    local co = weir.spawn(function() raise_here(); return 1 end)
    weir.step()
    assert.are.equal(co, reports[1].d)
    assert.matches("raise_here", reports[1].traceback, 1, true)
    assert.matches("failure_spec.lua:", reports[1].traceback, 1, true)
  end)

  it("8.1 a callback that raised is reported with a traceback", function()
    local reports = h.unhandled()
    local d = weir.succeed():add_callback(function() error("e", 0) end)
    weir.step()
    assert.are.same({ "e" }, errors_of(reports))
    assert.are.equal(d, reports[1].d)
    assert.is_string(reports[1].traceback)
  end)

  it("8.1 any error value is reported, nil and false too", function()
    local reports = h.unhandled()
    local kept = { weir.fail(nil), weir.fail(false) }
    weir.step()
    assert.are.equal(2, #reports)
    assert.are.equal(kept[1], reports[1].d)
    assert.is_nil(reports[1].err)
    assert.is_false(reports[2].err)
  end)

  -- Each handles the failure of d and returns what is to be handled in turn, if anything.
  local handlers = {
    add_errback = function(d) d:add_errback(h.ignore) end,
    add_callbacks = function(d) d:add_callbacks(nil, h.ignore) end,
    add_both = function(d) d:add_both(h.ignore) end,
    await = function(d) weir.spawn(pcall, weir.await, d) end,
    yield = function(d) return weir.spawn(function() local v = coroutine.yield(d); return v end) end,
    adopt = function(d) return weir.succeed():add_callback(function() return d end) end,
    body = function(d) return weir.spawn(function() return d end) end,
    chain = function(d) local other = weir.Deferred(); d:chain(other); return other end,
    shield = function(d) return weir.shield(d) end,
    result = function(d) pcall(d.result, d) end,
  }

  local function handle(handler, d)
    local rest = handler(d)
    if rest then rest:add_errback(h.ignore) end
  end

  it("8.1 a handled failure is not reported: handled behind it", function()
    for name, handler in pairs(handlers) do
      local reports = h.unhandled()
      local d = weir.Deferred()
      d:errback("e")
      handle(handler, d)
      weir.step()
      d = nil -- luacheck: ignore
      h.collect()
      weir.step()
      assert.are.same({}, errors_of(reports), name)
    end
  end)

  it("8.1 a handled failure is not reported: handled before it", function()
    for name, handler in pairs(handlers) do
      if name ~= "result" then
        local reports = h.unhandled()
        local d = weir.Deferred()
        handle(handler, d)
        d:errback("e")
        weir.step()
        assert.are.same({}, errors_of(reports), name)
      end
    end
  end)

  it("8.1 a success callback, status, tostring and traceback do not handle", function()
    local reports = h.unhandled()
    local co = weir.spawn(error, "e", 0)
    local d = weir.fail("f"):add_callback(h.ignore)
    local _ = co:status() .. tostring(co) .. co:traceback() .. d:status() .. tostring(d)
    weir.step()
    assert.are.same({ "e", "f" }, errors_of(reports))
  end)

  it("8.1 an errback that raises leaves a failure of its own", function()
    local reports = h.unhandled()
    local d = weir.fail("first"):add_errback(function() error("second", 0) end)
    weir.step()
    assert.are.same({ "second" }, errors_of(reports))
    assert.are.equal("failure", d:status())
  end)

  it("8.1 a handled Deferred that fails anew later is reported for that", function()
    local reports = h.unhandled()
    local d = weir.fail("first"):add_errback(h.ignore)
    weir.step()
    d:add_callback(function() error("second", 0) end)
    weir.step()
    assert.are.same({ "second" }, errors_of(reports))
  end)

  it("8.1 a failure passed on by an await is reported for the outermost alone", function()
    local reports = h.unhandled()
    local d = weir.Deferred()
    local inner = weir.spawn(weir.await, d)
    local outer = weir.spawn(weir.await, inner)
    d:errback("e")
    weir.step()
    assert.are.same({ "e" }, errors_of(reports))
    assert.are.equal(outer, reports[1].d)
  end)

  it("8.1 what run raises is handled", function()
    local reports = h.unhandled()
    assert.are.equal("e", h.raised(weir.run, function() error("e", 0) end))
    weir.step()
    assert.are.same({}, errors_of(reports))
  end)

  it("5.10 a cancel error is never reported, however it got there", function()
    local reports = h.unhandled()
    local d, co = weir.Deferred(), weir.spawn(weir.await, weir.Deferred())
    local passed_on = weir.spawn(weir.await, d)
    d:cancel()
    co:cancel()
    local made = weir.fail(h.raised(d.result, d))
    weir.step()
    assert.are.same({}, errors_of(reports))
    assert.are.same({ "cancelled", "cancelled" }, { passed_on:status(), made:status() })
    d, co, passed_on, made = nil, nil, nil, nil -- luacheck: ignore
    h.collect()
    weir.step()
    assert.are.same({}, errors_of(reports))
  end)

  it("8.3 the text of an error is whole, whatever bytes are in it", function()
    local d = weir.Deferred()
    d:cancel "why\0not"
    assert.are.equal("CancelledError: cancelled: why\0not", tostring(h.raised(d.result, d)))
    local any = weir.any { a = weir.fail "no\0 luck" }
    assert.are.equal("AnyError: all 1 failed: [a] no\0 luck", tostring(h.raised(any.result, any)))
  end)

  it("8.1 on_unhandled returns the old handler, nil for the default", function()
    local function first() end
    local function second() end
    local before = weir.on_unhandled(first)
    assert.are.equal(first, weir.on_unhandled(second))
    assert.are.equal(second, weir.on_unhandled(nil))
    assert.is_nil(weir.on_unhandled(before))
  end)

  it("8.1 a handler that raises loses no later report", function()
    local reports = h.unhandled()
    local list = weir.on_unhandled(function() error("handler") end)
    local kept = { weir.fail("a") }
    pcall(weir.step) -- raised or not: the contract leaves it open
    weir.on_unhandled(list)
    kept[2] = weir.fail("b")
    weir.step()
    assert.are.equal("b", errors_of(reports)[#reports])
    assert.are.equal(1, occurrences(table.concat(errors_of(reports)), "b"))
    assert.are.equal(2, #kept)
  end)

  it("8.1 a failure made by the handler is reported too", function()
    local reports = h.unhandled()
    local collect = weir.on_unhandled(nil)
    local kept = {}
    weir.on_unhandled(function(err, ...)
      if err == "a" then kept[#kept + 1] = weir.fail("b") end
      collect(err, ...)
    end)
    kept[#kept + 1] = weir.fail("a")
    weir.step()
    weir.step()
    assert.are.same({ "a", "b" }, errors_of(reports))
    assert.are.equal(2, #kept)
  end)
end)

describe("failure: unhandled, in a program of its own", function()
  it("8.1 at lua_close it goes to the handler, once, held or dropped", function()
    local output, ok = run_program [[
      weir.on_unhandled(function(err) print("got " .. err) end)
      held = weir.fail("held-one")
      do weir.fail("dropped-one") end
    ]]
    assert.are.equal(1, occurrences(output, "got held%-one"))
    assert.are.equal(1, occurrences(output, "got dropped%-one"))
    assert.is_true(ok)
  end)

  it("8.1 the default writes error and traceback to standard error", function()
    local program = [[
      local function raise_here() error("lost-error") end
      held = weir.spawn(function() raise_here(); return 1 end)
      weir.step()
    ]]
    local output, ok = run_program(program)
    assert.matches("lost-error", output, 1, true)
    assert.matches("raise_here", output, 1, true)
    assert.is_true(ok)
    assert.are.equal("", run_program(program, "2>/dev/null"))
  end)

  it("8.1 the default reports at lua_close too", function()
    local output, ok = run_program [[held = weir.fail("lost-error")]]
    assert.matches("lost-error", output, 1, true)
    assert.is_true(ok)
  end)

  it("8.1 nil restores the default", function()
    local output = run_program [[
      weir.on_unhandled(function(err) print("got " .. err) end)
      weir.on_unhandled(nil)
      held = weir.fail("lost-error")
      weir.step()
    ]]
    assert.matches("lost-error", output, 1, true)
    assert.is_nil(output:find("got lost-error", 1, true))
  end)

  it("8.1 the default copes with errors that are no strings", function()
    local output, ok = run_program [[
      held = { weir.fail(nil), weir.fail({}), weir.fail(false),
        weir.fail(setmetatable({}, { __tostring = function() return "readable-error" end })),
        weir.fail(setmetatable({}, { __tostring = function() error("unreadable") end })) }
      weir.step()
      print("alive")
    ]]
    assert.matches("readable-error", output, 1, true)
    assert.matches("alive", output, 1, true)
    assert.is_true(ok)
  end)

  it("8.1 a handled failure is silent at lua_close", function()
    local output, ok = run_program [[held = weir.fail("e"):add_errback(function() end)]]
    assert.are.same({ "", true }, { output, ok })
  end)

  it("8.1 a handler that raises at lua_close crashes nothing", function()
    local output, ok = run_program [[
      weir.on_unhandled(function() print "called"; error("handler") end)
      held = { weir.fail("a"), weir.fail("b") }
    ]]
    assert.are.equal(2, occurrences(output, "called"))
    assert.is_true(ok)
  end)
end)

describe("failure: traceback", function()
  before_each(h.manual)
  after_each(h.restore)

  local function raise_here(err) error(err, 0) end

  -- A traceback names a function as its caller does: each body calls its own.
  local function inner_wait(d) local v = weir.await(d); return v end
  local function middle_wait(d) local v = weir.await(d); return v end
  local function outer_wait(d) local v = weir.await(d); return v end
  local function inner_body(d) local v = inner_wait(d); return v end
  local function middle_body(d) local v = middle_wait(d); return v end
  local function outer_body(d) local v = outer_wait(d); return v end

  it("8.2 of a waiting coroutine: its own stack, then of each that waits on it", function()
    local gate = weir.Deferred()
    local inner = weir.spawn(inner_body, gate)
    local middle = weir.spawn(middle_body, inner)
    local outer = weir.spawn(outer_body, middle)
    assert_in_order(inner:traceback(), "inner_wait", "middle_wait", "outer_wait")
    assert_in_order(middle:traceback(), "middle_wait", "outer_wait")
    assert.is_nil(middle:traceback():find("inner_wait", 1, true))
    assert_in_order(outer:traceback(), "outer_wait")
    assert.matches("failure_spec.lua:%d+", outer:traceback())
    gate:callback()
  end)

  it("8.2 each of several that wait on it is in it", function()
    local gate = weir.Deferred()
    local inner = weir.spawn(inner_body, gate)
    weir.spawn(middle_body, inner)
    weir.spawn(outer_body, inner)
    assert_in_order(inner:traceback(), "inner_wait", "middle_wait", "outer_wait")
    gate:callback()
  end)

  it("8.2 of a failed one: the stack where it failed and the awaits it passed through", function()
    local gate = weir.Deferred()
    local inner = weir.spawn(function()
      weir.await(gate)
      raise_here("e")
      return 1
    end)
    local middle = weir.spawn(middle_body, inner)
    local outer = weir.spawn(outer_body, middle)
    gate:callback()
    assert_in_order(inner:traceback(), "raise_here")
    assert_in_order(middle:traceback(), "raise_here", "middle_wait")
    assert_in_order(outer:traceback(), "raise_here", "middle_wait", "outer_wait")
    assert.are.equal("e", h.raised(outer.result, outer))
  end)

  it("8.2 the stack is the one at the error though a pcall and a close variable lie between", function()
    local co = weir.spawn(function()
      local guard <close> = setmetatable({}, { __close = h.ignore })
      raise_here({})
      return guard
    end)
    assert_in_order(co:traceback(), "raise_here")
    h.raised(co.result, co)
  end)

  it("8.2 error values of any type have a traceback", function()
    for _, err in ipairs { 1, false, { {} }, "text" } do
      local co = weir.spawn(function() raise_here(err); return 1 end)
      assert_in_order(co:traceback(), "raise_here")
      h.raised(co.result, co)
    end
    local co = weir.spawn(function() raise_here(nil); return 1 end)
    assert_in_order(co:traceback(), "raise_here")
    h.raised(co.result, co)
  end)

  it("8.2 of the running coroutine it is its stack now", function()
    local function look_here() local text = weir.current():traceback(); return text end
    assert_in_order(h.inside(function() local text = look_here(); return text end), "look_here")
  end)

  it("8.2 is a string in every other state", function()
    local texts = {}
    local function keep(co) texts[#texts + 1] = co:traceback(); return co end
    keep(weir.spawn(h.ignore))
    keep(weir.spawn(weir.await, weir.Deferred())):cancel()
    local yielding = keep(weir.spawn(weir.yield))
    weir.succeed():add_callback(function() keep(weir.spawn(h.ignore)) end) -- not begun
    weir.step()
    keep(yielding)
    local cancelled = weir.spawn(weir.await, weir.Deferred())
    cancelled:cancel()
    keep(cancelled)
    assert.are.equal(6, #texts)
    for _, text in ipairs(texts) do assert.is_string(text) end
  end)

  it("8.2 a failure that passed through thousands of awaits still shows where it began", function()
    local depth = 5000
    local function nest(n)
      if n == depth then raise_here("e") end
      local v = weir.await(weir.spawn(nest, n + 1))
      return v
    end
    local co = weir.spawn(nest, 1)
    assert_in_order(co:traceback(), "raise_here")
    assert.are.equal("e", h.raised(co.result, co))
  end)
end)

describe("failure: error objects", function()
  before_each(h.manual)
  after_each(h.restore)

  local makers = {
    CancelledError = function()
      local d = weir.Deferred()
      d:cancel("why")
      return h.raised(d.result, d)
    end,
    TimeoutError = function()
      local d = weir.Deferred():timeout(1)
      weir.clock():advance(1)
      return h.raised(d.result, d)
    end,
    AlreadyCalledError = function()
      local d = weir.succeed()
      return h.raised(d.callback, d)
    end,
    DeadlockError = function()
      local d = weir.succeed()
      d:add_callback(function() return d end)
      return h.raised(d.result, d)
    end,
  }

  it("8.3 each has its name, a message, and both in its tostring", function()
    for name, make in pairs(makers) do
      local err = make()
      assert.are.equal(name, err.name)
      assert.is_string(err.message)
      assert.are_not.equal("", err.message)
      assert.are.equal(name .. ": " .. err.message, tostring(err))
    end
  end)

  it("8.3 a run that cannot end raises a DeadlockError object too", function()
    local err = h.raised(weir.run, function() weir.await(weir.Deferred()) end)
    assert.are.equal("DeadlockError", err.name)
    assert.is_string(err.message)
  end)

  it("8.3 only the CancelledError is a cancel error, it alone has the reason", function()
    for name, make in pairs(makers) do
      local err = make()
      assert.are.equal(name == "CancelledError", weir.is_cancelled(err))
      assert.are.equal(name == "CancelledError" and "why" or nil, err.reason)
    end
  end)

  it("8.3 the same object reaches pcall in a coroutine", function()
    for name, make in pairs(makers) do
      local err = make()
      local _, seen = h.inside(pcall, weir.await, weir.fail(err))
      assert.is_true(rawequal(err, seen), name)
    end
  end)
end)

describe("failure: argument errors", function()
  before_each(h.manual)
  after_each(h.restore)

  -- Each entry: argument number, function name, a function that makes the call.
  local function assert_argument_errors(cases)
    for _, case in ipairs(cases) do
      local n, name, call = table.unpack(case)
      local err = h.raised(call)
      assert.is_string(err, name)
      assert.matches(("bad argument #%d to '%s'"):format(n, name), err, 1, true)
      assert.matches("failure_spec.lua:%d+:", err)
    end
    assert.is_nil(weir.step()) -- nothing was armed or queued
  end

  it("8.4 of the functions that make a Deferred", function()
    local d = weir.Deferred()
    assert_argument_errors {
      { 1, "Deferred", function() weir.Deferred(1) end },
      { 1, "Deferred", function() weir.Deferred { cancel = "f" } end },
      { 1, "Deferred", function() weir.Deferred { unknown = print } end },
      { 1, "succeed", function() weir.succeed(d) end },
      { 3, "succeed", function() weir.succeed(1, nil, d) end },
      { 1, "fail", function() weir.fail() end }, -- as errback()
      { 1, "maybe", function() weir.maybe() end },
      { 1, "maybe", function() weir.maybe(1) end },
      { 1, "shield", function() weir.shield() end },
      { 1, "shield", function() weir.shield({}) end },
    }
  end)

  it("8.4 of a Deferred's methods", function()
    local d = weir.Deferred()
    assert_argument_errors {
      { 1, "callback", function() d:callback(weir.succeed()) end },
      { 1, "errback", function() d:errback() end },
      { 1, "add_callback", function() d:add_callback() end },
      { 1, "add_callback", function() d:add_callback(1) end },
      { 1, "add_errback", function() d:add_errback("f") end },
      { 1, "add_both", function() d:add_both(true) end },
      { 1, "add_callbacks", function() d:add_callbacks(1, print) end },
      { 2, "add_callbacks", function() d:add_callbacks(print, 1) end },
      { 1, "chain", function() d:chain() end },
      { 1, "chain", function() d:chain({}) end },
      { 1, "timeout", function() d:timeout() end },
      { 1, "timeout", function() d:timeout(-1) end },
      { 1, "timeout", function() d:timeout(0 / 0) end },
      { 2, "cancel", function() d:cancel("r", "soon") end },
      { 2, "cancel", function() d:cancel("r", -1) end },
    }
    assert.are.equal("v", d:callback("v"):result())
  end)

  it("8.4 of the functions that start a coroutine", function()
    assert_argument_errors {
      { 1, "coroutine", function() weir.coroutine() end },
      { 1, "coroutine", function() weir.coroutine(1) end },
      { 2, "coroutine", function() weir.coroutine(print, {}) end },
      { 1, "spawn", function() weir.spawn() end },
      { 1, "spawn", function() weir.spawn("f") end },
      { 1, "wrap", function() weir.wrap() end },
      { 1, "wrap", function() weir.wrap(1) end },
      { 1, "run", function() weir.run(1) end },
    }
  end)

  it("8.4 of what is called inside a coroutine", function()
    local d = weir.Deferred()
    h.inside(function()
      for _, case in ipairs {
        { 1, "await", function() weir.await() end },
        { 1, "await", function() weir.await(1) end },
        { 1, "await", function() weir.await({ d }) end },
        { 2, "await", function() weir.await(d, "x") end },
        { 2, "await", function() weir.await(d, -1) end },
        { 1, "sleep", function() weir.sleep() end },
        { 1, "sleep", function() weir.sleep("long") end },
        { 1, "sleep", function() weir.sleep(-1) end },
        { 1, "noreturn", function() weir.noreturn() end },
        { 1, "noreturn", function() weir.noreturn(1) end },
      } do
        local n, name, call = table.unpack(case)
        assert.matches(("bad argument #%d to '%s'"):format(n, name), h.raised(call), 1, true)
      end
    end)
  end)

  it("8.4 of time and the loop", function()
    assert_argument_errors {
      { 1, "after", function() weir.after() end },
      { 1, "after", function() weir.after(-1) end },
      { 1, "after", function() weir.after(0 / 0, "v") end },
      { 2, "after", function() weir.after(1, weir.succeed()) end },
      { 1, "every", function() weir.every(-1, print) end },
      { 2, "every", function() weir.every(1) end },
      { 2, "every", function() weir.every(1, {}) end },
      { 1, "grace", function() weir.grace(-1) end },
      { 1, "grace", function() weir.grace("x") end },
      { 1, "step", function() weir.step("x") end },
      { 1, "clock", function() weir.clock(1) end },
      { 1, "clock", function() weir.clock(weir.Deferred()) end },
      { 1, "Clock", function() weir.Clock(1) end },
      { 1, "Clock", function() weir.Clock { speed = -1 } end },
      { 1, "Clock", function() weir.Clock { speed = "fast" } end },
      { 1, "Clock", function() weir.Clock { parent = 1 } end },
      { 1, "Clock", function() weir.Clock { unknown = 1 } end },
      { 1, "on_unhandled", function() weir.on_unhandled(1) end },
    }
  end)

  it("8.4 of a clock's methods", function()
    local clock, d = weir.Clock(), weir.Deferred()
    local game = weir.Clock { speed = 1, parent = clock }
    assert_argument_errors {
      { 1, "advance", function() clock:advance() end },
      { 1, "advance", function() clock:advance(-1) end },
      { 1, "advance", function() clock:advance(0 / 0) end },
      { 1, "after", function() clock:after(-1) end },
      { 2, "after", function() clock:after(1, d) end },
      { 1, "every", function() clock:every("x", print) end },
      { 2, "every", function() clock:every(1, 1) end },
      { 1, "timeout", function() clock:timeout({}, 1) end },
      { 2, "timeout", function() clock:timeout(d, -1) end },
      { 1, "speed", function() game:speed(-1) end },
      { 1, "speed", function() game:speed(0 / 0) end },
      { 1, "speed", function() game:speed("x") end },
    }
  end)

  it("8.4 a bad self is named as Lua's own do", function()
    local methods = { callback = weir.Deferred().callback, advance = weir.Clock().advance }
    assert_argument_errors {
      { 1, "callback", function() methods.callback(io.stdout) end },
      { 1, "advance", function() methods.advance(weir.Deferred(), 1) end },
    }
    methods = setmetatable({}, { __index = methods })
    assert.matches("calling 'callback' on bad self", h.raised(function() methods:callback() end), 1, true)
  end)
end)
