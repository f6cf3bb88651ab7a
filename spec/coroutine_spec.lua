local weir = require "weir"
local h = require "spec.helper"
local inside = require "weir.busted".it

local function guard(f) return setmetatable({}, { __close = f }) end

describe("coroutine", function()
  local clock, t
  local function say(what) t(what) end
  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)
  after_each(h.restore)

  describe("outcome", function()
    it("3.1 a Coroutine is a Deferred", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function() return weir.await(gate) end)
      assert.is_true(weir.is_deferred(co))
      assert.equal(co, co:add_callback(function(v) return v * 2 end))
      gate:callback(21)
      assert.equal("success", co:status())
      assert.equal(42, co:result())
      assert.equal(42, h.inside(function() return weir.await(co) end))
    end)

    it("3.1 its outcome is what the function returns: no, one, many values, nils among them", function()
      assert.same({ n = 0 }, table.pack(weir.spawn(function() end):result()))
      assert.same({ n = 1 }, table.pack(weir.spawn(function() return nil end):result()))
      assert.same({ n = 4, 1, nil, "x", nil }, table.pack(weir.spawn(function() return 1, nil, "x", nil end):result()))
    end)

    it("3.1 its outcome after a wait is what the function returns", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function()
        weir.await(gate)
        return nil, "late", nil
      end)
      assert.has_error(function() co:result() end)
      gate:callback()
      assert.same({ n = 3, nil, "late", nil }, table.pack(co:result()))
    end)

    it("3.1 an error that the function raises is its failure, identity kept", function()
      local err = setmetatable({}, { __tostring = function() return "mine" end })
      for _, e in ipairs { err, 7, false } do
        local co = weir.spawn(error, e)
        assert.equal("failure", co:status())
        assert.equal(e, h.raised(co.result, co))
      end
      local co = weir.spawn(error, nil)
      assert.equal("failure", co:status())
      assert.is_nil(h.raised(co.result, co))
    end)

    it("3.1 a runtime error is its failure, also after a wait", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function()
        weir.await(gate)
        local empty = {}
        return empty.field.field
      end)
      gate:callback()
      assert.equal("failure", co:status())
      assert.matches("attempt to index a nil value", h.raised(co.result, co))
    end)

    it("3.1 firing a Coroutine from outside raises and changes nothing", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function() return weir.await(gate) end)
      assert.has_error(function() co:callback("no") end)
      assert.has_error(function() co:errback("no") end)
      assert.equal("waiting", co:status())
      gate:callback("yes")
      assert.equal("yes", co:result())
      assert.has_error(function() co:callback("no") end)
      assert.equal("yes", co:result())
    end)
  end)

  describe("start", function()
    it("3.1 weir.coroutine gives a function; each call starts the body anew with its arguments", function()
      local gate = weir.Deferred()
      local f = weir.coroutine(function(...)
        weir.await(gate)
        return select("#", ...), ...
      end)
      assert.equal("function", type(f))
      local a, b = f(1, nil, nil), f()
      assert.are_not.equal(a, b)
      gate:callback()
      assert.same({ n = 4, 3, 1, nil, nil }, table.pack(a:result()))
      assert.same({ n = 1, 0 }, table.pack(b:result()))
    end)

    it("3.1 weir.coroutine runs nothing before the call", function()
      local f = weir.coroutine(say)
      assert.same({}, t:list())
      f("run")
      assert.same({ "run" }, t:list())
    end)

    it("3.1 the name is in tostring", function()
      local named = weir.coroutine(function() weir.await(weir.Deferred()) end, "loader")()
      assert.matches("loader", tostring(named), 1, true)
    end)

    it("3.1 a coroutine function made of another has its body, and its name unless it has one of its own", function()
      local loader = weir.coroutine(function() weir.await(weir.Deferred()) end, "loader")
      local other = weir.coroutine(loader, "other")
      for f, name in pairs { [loader] = "loader", [weir.coroutine(loader)] = "loader", [other] = "other",
          [weir.coroutine(other)] = "other" } do
        assert.matches(("'%s'"):format(name), tostring(f()), 1, true)
        assert.matches(("'%s'"):format(name), tostring(weir.spawn(f)), 1, true)
      end
    end)

    it("3.1 weir.spawn does both", function()
      local co = weir.spawn(function(a, b, c) return c, b, a end, 1, nil, 3)
      assert.is_true(weir.is_deferred(co))
      assert.same({ n = 3, 3, nil, 1 }, table.pack(co:result()))
    end)

    it("3.1 the body may be a C function, one that waits too", function()
      local gate = weir.Deferred()
      local co = weir.spawn(weir.await, gate)
      assert.equal(7, weir.spawn(math.max, 3, 7):result())
      assert.equal("waiting", co:status())
      gate:callback("through")
      assert.equal("through", co:result())
    end)

    it("3.1 anything but a function is an argument error", function()
      assert.matches("bad argument #1 to '[%w_.]*coroutine'", h.raised(weir.coroutine, 42))
      assert.matches("bad argument #1 to '[%w_.]*coroutine'", h.raised(weir.coroutine))
      assert.matches("bad argument #2 to '[%w_.]*coroutine'", h.raised(weir.coroutine, print, {}))
      assert.matches("bad argument #1 to '[%w_.]*spawn'", h.raised(weir.spawn, "f"))
      assert.matches("bad argument #1 to '[%w_.]*spawn'", h.raised(weir.spawn))
    end)
  end)

  describe("adoption", function()
    it("3.1 a body that returns exactly one Deferred adopts its success", function()
      local d = weir.Deferred()
      local co = weir.spawn(function() return d end)
      assert.has_error(function() co:result() end)
      d:callback(1, nil, 3)
      assert.same({ n = 3, 1, nil, 3 }, table.pack(co:result()))
      assert.same({ n = 3, 1, nil, 3 }, table.pack(d:result()))
    end)

    it("3.1 it adopts a failure, identity kept, and one that has fired at once", function()
      local err = {}
      local co = weir.spawn(function() return weir.fail(err) end)
      assert.equal("failure", co:status())
      assert.equal(err, h.raised(co.result, co))
      assert.equal("x", weir.spawn(function() return weir.succeed("x") end):result())
    end)

    it("3.1 it adopts another Coroutine and tells its own waiters", function()
      local gate = weir.Deferred()
      local outer = weir.spawn(function()
        return weir.spawn(function() return "inner " .. weir.await(gate) end)
      end)
      weir.spawn(function() t(weir.await(outer)) end)
      assert.same({}, t:list())
      gate:callback("value")
      assert.same({ "inner value" }, t:list())
    end)

    it("3.1 cancel reaches the adopted Deferred", function()
      local d = weir.Deferred(function() t "canceller" end)
      local co = weir.spawn(function() return d end)
      assert.is_true(co:cancel("why"))
      assert.same({ "canceller" }, t:list())
      assert.equal("cancelled", d:status())
      assert.equal("cancelled", co:status())
      assert.equal("why", h.raised(co.result, co).reason)
    end)

    it("3.1 a Deferred among several returned values is waited for by nobody", function()
      -- Only *exactly one* adopts; the values are the caller's own affair, as in plain Lua.
      local d = weir.Deferred()
      local co = weir.spawn(function() return "first", d end)
      assert.equal("success", co:status())
      assert.equal(d, select(2, co:result()))
      assert.equal("pending", d:status())
    end)

    it("3.1 a body that returns its own Coroutine fails with DeadlockError", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function()
        weir.await(gate)
        return weir.current()
      end)
      gate:callback()
      assert.equal("failure", co:status())
      assert.equal("DeadlockError", h.raised(co.result, co).name)
    end)
  end)

  describe("eager start", function()
    inside("3.2 in a generator, and in one within that", function()
      local function child(name)
        local co = weir.spawn(function()
          t(name .. " runs")
          weir.yield()
          return name
        end)
        t(name .. " waits")
        return co
      end
      for outer in weir.wrap(function()
        for inner in weir.wrap(function() coroutine.yield(child "a"); coroutine.yield(child "b") end) do
          coroutine.yield(inner)
        end
        coroutine.yield(child "c")
      end) do
        t(weir.await(outer))
      end
      assert.are.same({ "a runs", "a waits", "a", "b runs", "b waits", "b", "c runs", "c waits", "c" }, t:list())
    end)

    it("3.2 from the host the body runs up to its first wait before the call returns", function()
      local gate = weir.Deferred()
      t "call"
      local co = weir.spawn(function()
        t "body"
        weir.await(gate)
        t "woken"
      end)
      t "back"
      assert.same({ "call", "body", "back" }, t:list())
      assert.equal("waiting", co:status())
      gate:callback()
      assert.same({ "call", "body", "back", "woken" }, t:list())
    end)

    it("3.2 a failure before the first wait does not come out of the call", function()
      local co
      assert.has_no_error(function() co = weir.spawn(error, "early") end)
      assert.equal("early", h.raised(co.result, co))
    end)

    it("3.2 in a coroutine the caller goes on at once when the callee waits, before others that are ready", function()
      local gate, child_gate = weir.Deferred(), weir.Deferred()
      weir.spawn(function()
        weir.await(gate)
        t "other"
      end)
      weir.spawn(function()
        gate:callback()
        t "call"
        local child = weir.spawn(function()
          t "child"
          weir.await(child_gate)
          t "child woken"
          return "value"
        end)
        t "back"
        t(weir.await(child))
      end)
      assert.same({ "call", "child", "back", "other" }, t:list())
      child_gate:callback()
      assert.same({ "call", "child", "back", "other", "child woken", "value" }, t:list())
    end)

    it("3.2 in a coroutine the caller goes on at once when the callee ends, and finds it fired", function()
      local gate = weir.Deferred()
      weir.spawn(function()
        weir.await(gate)
        t "other"
      end)
      weir.spawn(function()
        gate:callback()
        local child = weir.spawn(function()
          t "child"
          return "value"
        end)
        t(child:status())
        t(weir.await(child))
      end)
      assert.same({ "child", "success", "value", "other" }, t:list())
    end)

    it("3.2 a caller whose callee runs eagerly is running", function()
      local caller
      weir.spawn(function()
        caller = weir.current()
        weir.spawn(function() t(caller:status()) end)
      end)
      assert.same({ "running" }, t:list())
    end)

    it("3.2 eager through pcall and metamethods of the caller", function()
      local gate = weir.Deferred()
      local lazy = setmetatable({}, { __index = function(_, key)
        return weir.await(weir.spawn(function()
          t(key)
          return weir.await(gate)
        end))
      end })
      local co = weir.spawn(function()
        local ok, v = pcall(function() return lazy.field end)
        return ok, v
      end)
      assert.same({ "field" }, t:list())
      gate:callback("through")
      assert.same({ true, "through" }, { co:result() })
    end)

    it("3.2 a awaits b awaits a, a million deep, and the value comes back all the way up", function()
      local n, gate = h.scale(1000000), weir.Deferred()
      local a, b
      a = weir.coroutine(function(i)
        if i == n then return weir.await(gate) end
        return 1 + weir.await(b(i + 1))
      end)
      b = weir.coroutine(function(i)
        if i == n then return weir.await(gate) end
        return 1 + weir.await(a(i + 1))
      end)
      local top = a(0)
      assert.equal("waiting", top:status())
      gate:callback(0)
      assert.equal(n, top:result())
    end)

    it("3.2 an error comes back through a hundred thousand awaits", function()
      local n, err, seen = h.scale(100000), {}, 0
      local down
      down = weir.coroutine(function(i)
        if i == n then error(err) end
        local _ <close> = guard(function(_, e) if e == err then seen = seen + 1 end end)
        weir.await(down(i + 1))
      end)
      local top = down(0)
      assert.equal(err, h.raised(top.result, top))
      assert.equal(n, seen)
    end)

    it("3.2 coroutines that start each other a hundred thousand deep and never await are flat too", function()
      local n, started = h.scale(100000), 0
      local function start(i)
        started = started + 1
        if i < n then weir.spawn(start, i + 1) end
      end
      assert.equal("success", weir.spawn(start, 1):status())
      assert.equal(n, started)
    end)
  end)

  describe("queued start", function()
    it("3.2 from a Deferred callback the body is queued and starts in turn", function()
      local d = weir.Deferred()
      d:add_callback(function()
        t "before"
        local one = weir.spawn(say, "one")
        weir.spawn(say, "two")
        t(one:status())
      end)
      d:add_callback(function() t "next callback" end)
      d:callback()
      assert.same({ "before", "ready", "next callback", "one", "two" }, t:list())
    end)

    it("3.2 from a callback that a coroutine's fire runs it starts when that coroutine waits", function()
      local d, gate = weir.Deferred(), weir.Deferred()
      d:add_callback(function() weir.spawn(say, "queued") end)
      weir.spawn(function()
        d:callback()
        t "fired"
        weir.await(gate)
      end)
      assert.same({ "fired", "queued" }, t:list())
    end)

    it("3.2 from a table.sort comparator it is queued, and may be awaited behind it", function()
      weir.spawn(function()
        local child
        table.sort({ 2, 1 }, function(a, b)
          child = child or weir.spawn(function()
            t "child"
            return "value"
          end)
          return a < b
        end)
        t "sorted"
        t(weir.await(child))
      end)
      assert.same({ "sorted", "child", "value" }, t:list())
    end)

    it("3.2 from a plain coroutine inside one of ours it is queued", function()
      weir.spawn(function()
        local plain = coroutine.wrap(function()
          weir.spawn(say, "child")
          coroutine.yield("plain value")
        end)
        t(plain())
        weir.yield()
        t "end"
      end)
      assert.same({ "plain value", "child" }, t:list())
      weir.step()
      assert.same({ "plain value", "child", "end" }, t:list())
    end)

    it("3.2 from a canceller it is queued", function()
      local d = weir.Deferred(function()
        weir.spawn(say, "child")
        t "canceller"
      end)
      d:cancel()
      assert.same({ "canceller", "child" }, t:list())
    end)

    it("3.2 from a plain coroutine of the host it runs at once", function()
      coroutine.wrap(function()
        weir.spawn(say, "child")
        t "after"
      end)()
      assert.same({ "child", "after" }, t:list())
    end)

    it("3.2 a queued body keeps its arguments", function()
      local co
      weir.succeed():add_callback(function()
        co = weir.spawn(function(...) return select("#", ...), ... end, nil, 2, nil)
      end)
      assert.same({ n = 4, 3, nil, 2, nil }, table.pack(co:result()))
    end)
  end)

  describe("self-await", function()
    it("3.7 awaiting oneself raises at the call, and the coroutine goes on", function()
      local co = weir.spawn(function()
        for _, seconds in ipairs { false, 1 } do
          local ok, err = pcall(function() weir.await(weir.current(), seconds or nil) end)
          t(ok)
          t(err.name)
          t((err.message:gsub("^.*:%d+: ", "place: ")))
        end
        return "went on"
      end)
      local message = "place: attempt to await the running coroutine itself"
      assert.same({ false, "DeadlockError", message, false, "DeadlockError", message }, t:list())
      assert.equal("went on", co:result())
    end)

    it("3.7 yielding oneself raises at the yield", function()
      local co = weir.spawn(function()
        local ok, err = pcall(function() coroutine.yield(weir.current()) end)
        t(ok)
        t(err.name)
        t((err.message:gsub("^.*:%d+: ", "place: ")))
        return "went on"
      end)
      assert.same({ false, "DeadlockError", "place: attempt to await the running coroutine itself" }, t:list())
      assert.equal("went on", co:result())
    end)

    it("3.7 an awaited self is not registered: the coroutine's next wait is its own", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function()
        pcall(weir.await, weir.current())
        return weir.await(gate)
      end)
      assert.equal("waiting", co:status())
      gate:callback("gate")
      assert.equal("gate", co:result())
    end)
  end)

  describe("current", function()
    it("3.9 is the Coroutine that the call returned, before and after a wait", function()
      local gate, before, after = weir.Deferred(), nil, nil
      local co = weir.spawn(function()
        before = weir.current()
        weir.await(gate)
        after = weir.current()
      end)
      gate:callback()
      assert.equal(co, before)
      assert.equal(co, after)
    end)

    it("3.9 is nil in the host, and in its plain coroutines", function()
      weir.spawn(function() weir.await(weir.Deferred()) end)
      assert.is_nil(weir.current())
      assert.is_nil(coroutine.wrap(function() return weir.current() end)())
    end)

    it("3.9 is nil in callbacks and hooks, whoever runs them", function()
      local function see() t(tostring(weir.current())) end
      local co = weir.spawn(function()
        local me = weir.current()
        weir.succeed():add_callback(see)
        weir.Deferred(see):cancel()
        t(tostring(weir.current() == me))
      end)
      co:add_callback(see)
      assert.same({ "nil", "nil", "true", "nil" }, t:list())
    end)

    it("3.9 is the caller again when an eager callee waits or ends", function()
      local me, child, seen
      weir.spawn(function()
        me = weir.current()
        weir.spawn(function()
          child = weir.current()
          weir.await(weir.Deferred())
        end)
        seen = weir.current()
        weir.spawn(function() end)
        t(weir.current() == me)
      end)
      assert.are_not.equal(me, child)
      assert.equal(me, seen)
      assert.same({ true }, t:list())
    end)

    it("3.9 is the running Coroutine in its <close> handlers: at the end, at a cancel, at a close", function()
      local function body()
        local _ <close> = guard(function() t(weir.current()) end)
        weir.await(weir.Deferred())
      end
      local ended = weir.spawn(function()
        local _ <close> = guard(function() t(weir.current()) end)
      end)
      local cancelled, closed = weir.spawn(body), weir.spawn(body)
      cancelled:cancel()
      closed:close()
      local list = t:list()
      assert.equal(3, #list)
      assert.equal(ended, list[1])
      assert.equal(cancelled, list[2])
      assert.equal(closed, list[3])
      assert.is_nil(weir.current())
    end)

    it("3.9 is the running Coroutine in its generators", function()
      local co = weir.spawn(function()
        local gen = weir.wrap(function()
          coroutine.yield(weir.current())
          weir.sleep(1)
          coroutine.yield(weir.current())
        end)
        t(gen())
        t(gen())
      end)
      clock:advance(1)
      assert.equal(2, #t:list())
      assert.equal(co, t:list()[1])
      assert.equal(co, t:list()[2])
    end)
  end)

  describe("its thread", function()
    local running = coroutine.running

    --- Those that have waited in their bodies, each with what coroutine.running was before and behind that.
    local function waiting(gate, list)
      local before = running()
      weir.await(gate)
      list[#list + 1] = { before, (running()) }
    end

    local function assert_of_their_own(list, n)
      assert.equal(n, #list)
      for i, threads in ipairs(list) do
        assert.equal(threads[1], threads[2])
        for k = 1, i - 1 do
          assert.not_equal(list[k][1], threads[1])
        end
      end
    end

    it("3.1 is its own as long as it has waited, whoever ends beside it", function()
      local gate, list = weir.Deferred(), {}
      for _ = 1, 5 do
        weir.spawn(function() end)
        weir.spawn(waiting, gate, list)
        weir.spawn(error, "failed")
      end
      gate:callback()
      assert_of_their_own(list, 5)
    end)

    it("3.2 is its own where it is called by one that has not waited yet", function()
      local gate, list = weir.Deferred(), {}
      local function nest(depth)
        if depth > 1 then weir.spawn(nest, depth - 1) end
        waiting(gate, list)
      end
      weir.spawn(nest, 5)
      gate:callback()
      assert_of_their_own(list, 5)
    end)

    it("2.3 3.2 is its own where a callback starts it, or a comparator, inside of one that has not", function()
      local gate, list, d = weir.Deferred(), {}, weir.Deferred()
      d:add_callback(function() weir.spawn(waiting, gate, list) end)
      weir.spawn(function()
        d:callback()
        table.sort({ 2, 1 }, function(a, b)
          weir.spawn(waiting, gate, list)
          return a < b
        end)
        waiting(gate, list)
      end)
      local n = #list
      gate:callback()
      assert.equal(0, n)
      assert_of_their_own(list, 3)
    end)

    it("4.1 is emptied at its end: nothing of it is kept for whoever runs on it next", function()
      local weak = setmetatable({}, { __mode = "v" })
      weir.spawn(function(x) weak.ended = x end, {})
      weir.spawn(function(x)
        weak.failed = x
        error "failed"
      end, {})
      collectgarbage()
      assert.is_nil(next(weak))
    end)
  end)
end)
