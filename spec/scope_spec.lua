-- Contract 9.2: weir.scope.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local MANY = h.scale(2e4)

describe("scope", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  local function traced(name, answer) return parts.traced(t, name, answer) end
  local function watch(d) return parts.watch(t, "it", d) end

  -- A scope whose body spawns a worker under each name and returns; the scope itself, and its workers.
  local function scope_of(names, cleanup, gate)
    local scope, workers = nil, {}
    local d = weir.scope(function(s)
      scope = s
      for _, name in ipairs(names) do workers[name] = s:spawn(parts.work, t, name, cleanup, gate) end
    end)
    return d, scope, workers
  end

  local function assert_cancelled(d, reason)
    assert.are.equal("cancelled", d:status())
    assert.are.equal(reason, parts.failure(d).reason)
  end

  describe("arguments", function()
    it("8.4 what cannot be called is refused", function()
      for _, wrong in ipairs { false, 1, "x", {}, weir.Deferred() } do
        local err = h.raised(function() weir.scope(wrong) end)
        assert.matches("^[./]*spec/scope_spec%.lua:%d+: bad argument #1 to 'scope' %(.+%)$", err)
      end
      h.raised(weir.scope)
    end)

    it("8.4 spawn refuses what cannot be called, nothing started", function()
      local d = weir.scope(function(scope)
        for _, wrong in ipairs { false, 1, "x", {}, weir.Deferred() } do
          local err = h.raised(function() scope:spawn(wrong) end)
          assert.matches("^[./]*spec/scope_spec%.lua:%d+: bad argument #1 to 'spawn' %(.+%)$", err)
        end
        h.raised(function() scope:spawn() end)
      end)
      assert.are.equal(0, select("#", d:result()))
    end)

    it("8.4 its methods refuse any other self", function()
      local _, scope = scope_of { "a" }
      for _, name in ipairs { "spawn", "cancel" } do
        for _, wrong in ipairs { false, 1, "x", {}, h.ignore } do h.raised(scope[name], wrong, t) end
        h.raised(scope[name])
      end
      assert.are.same({}, t:list())
    end)
  end)

  describe("runs its body", function()
    it("9.2 at once, as a Coroutine, with the scope and the arguments", function()
      local body
      local d = weir.scope(function(scope, ...)
        body = weir.current()
        t(type(scope.spawn) .. " " .. type(scope.cancel))
        for i = 1, select("#", ...) do t(tostring((select(i, ...)))) end
        weir.await(weir.Deferred())
      end, 1, nil, "x", nil)
      t "scope returned"
      assert.are.same({ "function function", "1", "nil", "x", "nil", "scope returned" }, t:list())
      assert.are.same({ "waiting", "pending" }, { body:status(), d:status() })
    end)

    it("9.2 and gives all its values, at once when nothing is left", function()
      local d = weir.scope(function() return 1, nil, 3, nil end)
      assert.are.same({ 1, nil, 3, nil, n = 4 }, table.pack(d:result()))
    end)

    it("3.1 and gives the outcome of a Deferred that it returns", function()
      local inner = weir.Deferred()
      local d = weir.scope(function() return inner end)
      assert.are.equal("pending", d:status())
      inner:callback(1, 2)
      assert.are.same({ 1, 2 }, { d:result() })
    end)

    it("3.2 up to its first wait inside a coroutine, in turn from a callback or a host that only queues", function()
      local function start() weir.scope(t) t "scope returned" end
      local function kinds()
        local list = parts.list(#t:list(), function(i) return type(t:list()[i]) end)
        t = h.trace()
        return list
      end
      weir.spawn(start)
      assert.are.same({ "table", "string" }, kinds())
      weir.succeed():add_callback(start)
      assert.are.same({ "string", "table" }, kinds())
      weir.inline(false)
      start()
      assert.are.equal(1, #t:list())
      weir.step()
      assert.are.same({ "string", "table" }, kinds())
    end)

    it("9.2 that is a weir.coroutine function or a callable", function()
      local co = weir.coroutine(function(scope, v) return (weir.await(scope:spawn(weir.await, weir.succeed(v)))) end)
      assert.are.equal("v", weir.scope(co, "v"):result())
      local callable = setmetatable({}, { __call = function(_, _, v) return v end })
      assert.are.equal("v", weir.scope(callable, "v"):result())
    end)

    it("4.1 that may go elsewhere by noreturn: the values of that", function()
      local gate = weir.Deferred()
      local d = weir.scope(function(scope)
        scope:spawn(parts.work, t, "a", nil, gate)
        weir.noreturn(function(v) return v, weir.await(gate) end, "new body")
      end)
      assert.are.equal("pending", d:status())
      gate:callback("v")
      assert.are.same({ "new body", "v" }, { d:result() })
    end)
  end)

  describe("waits for its children", function()
    it("9.2 which are Coroutines, start at once and get their arguments", function()
      local child
      local d = weir.scope(function(scope)
        child = scope:spawn(function(...)
          t(table.concat({ ... }, " "))
          weir.yield()
          t "child ends"
          return "ignored"
        end, 1, 2)
        t "body ends"
        return "body's"
      end)
      watch(d)
      assert.are.same({ "1 2", "body ends" }, t:list())
      assert.are.same({ "ready", "pending" }, { child:status(), d:status() })
      weir.step()
      assert.are.same({ "1 2", "body ends", "child ends", "it done" }, t:list())
      assert.are.same({ "body's", "ignored" }, { d:result(), child:result() })
    end)

    it("9.2 until the last has ended, in whatever order", function()
      local gates = parts.list(3, function() return weir.Deferred() end)
      local d = weir.scope(function(scope)
        for i, gate in ipairs(gates) do scope:spawn(weir.await, gate) t(i) end
        return "v"
      end)
      for _, i in ipairs { 3, 1, 2 } do
        assert.are.equal("pending", d:status())
        gates[i]:callback()
      end
      assert.are.equal("v", d:result())
    end)

    it("9.2 and for its body, when that outlives them", function()
      local gate = weir.Deferred()
      local d = weir.scope(function(scope)
        scope:spawn(h.ignore)
        return weir.await(gate)
      end)
      assert.are.equal("pending", d:status())
      gate:callback("v")
      assert.are.equal("v", d:result())
    end)

    it("9.2 whose values the body may await", function()
      local d = weir.scope(function(scope)
        local function slow(v) weir.sleep(v) return v end
        local a, b = scope:spawn(slow, 2), scope:spawn(slow, 1)
        return weir.await(a) + weir.await(b)
      end)
      clock:advance(2)
      assert.are.equal(3, d:result())
    end)

    it("9.2 spawned by a child, by a callback and by the host, also when the body has ended", function()
      local gate, fired, scope = weir.Deferred(), weir.Deferred(), nil
      local function child(name)
        t(name)
        return weir.await(gate)
      end
      local d = watch(weir.scope(function(s)
        scope = s
        s:spawn(function()
          weir.await(fired)
          s:spawn(child, "from a child")
        end)
        fired:add_callback(function() s:spawn(child, "from a callback") t "callback ends" end)
      end))
      scope:spawn(child, "from the host")
      fired:callback()
      assert.are.same({ "from the host", "callback ends", "from a callback", "from a child" }, t:list())
      gate:callback()
      assert.are.same({ "it done" }, { table.unpack(t:list(), 5) })
      assert.are.equal("success", d:status())
    end)

    it("9.2 spawned by the last child as its last act", function()
      local gate = weir.Deferred()
      local d = weir.scope(function(scope)
        scope:spawn(function() scope:spawn(weir.await, gate) end)
        return "v"
      end)
      assert.are.equal("pending", d:status())
      gate:callback()
      assert.are.equal("v", d:result())
    end)

    it("9.2 given as weir.coroutine functions, going on by noreturn", function()
      local gate, child = weir.Deferred(), nil
      local d = weir.scope(function(scope)
        child = scope:spawn(weir.coroutine(function(v)
          weir.noreturn(function(w) return w, weir.await(gate) end, v)
        end), "v")
      end)
      assert.are.equal("pending", d:status())
      gate:callback("gate")
      assert.are.same({ "v", "gate" }, { child:result() })
      assert.are.equal("success", d:status())
    end)

    it("4.2 one that goes by noreturn to a Deferred: until that has an outcome", function()
      local inner = weir.Deferred()
      local d = weir.scope(function(scope) scope:spawn(function() weir.noreturn(inner) end) end)
      assert.are.equal("pending", d:status())
      inner:callback()
      assert.are.equal("success", d:status())
    end)

    it("9.2 one cancelled singly is no failure: the others go on", function()
      local gate = weir.Deferred()
      local d, _, workers = scope_of({ "a", "b" }, nil, gate)
      assert.is_true(workers.a:cancel("why"))
      assert.are.equal("cancelled", workers.a:status())
      assert.are.equal("pending", d:status())
      gate:callback()
      assert.are.equal("success", d:status())
    end)

    it("9.2 one cancelled singly, until its cleanup has ended, whose own error is a failure", function()
      local cleanup = weir.Deferred()
      local d, _, workers = scope_of({ "a" }, cleanup)
      workers.a:cancel("why")
      assert.are.same({ "pending", "a asked: why" }, { d:status(), t:list()[1] })
      cleanup:errback("cleanup")
      assert.are.equal("cleanup", parts.failure(d))
    end)

    it("9.2 one that ends with a cancel error of something it awaited is no failure", function()
      local inner = weir.Deferred()
      local d = weir.scope(function(scope)
        scope:spawn(weir.await, inner)
        return "v"
      end)
      inner:cancel()
      assert.are.equal("v", d:result())
    end)

    it("3.3 the body may await one with a limit: it is cancelled on expiry", function()
      local cleanup, child = weir.Deferred(), nil
      local d = weir.scope(function(scope)
        child = scope:spawn(parts.work, t, "child", cleanup)
        local ok, err = pcall(weir.await, child, 1)
        t(tostring(ok) .. " " .. err.name)
        return "v"
      end)
      clock:advance(1)
      assert.are.equal(1, #t:list())
      cleanup:callback()
      assert.are.same({ "child cleaned", "false TimeoutError" }, { table.unpack(t:list(), 2) })
      assert.are.same({ "cancelled", "v" }, { child:status(), d:result() })
    end)

    it("2.7 one with a timeout of its own fails the scope", function()
      local d = weir.scope(function(scope)
        scope:spawn(parts.work, t, "a"):timeout(1)
        scope:spawn(parts.work, t, "b")
      end)
      clock:advance(1)
      assert.are.same({ "a asked: TimeoutError", "a cleaned", "b asked: TimeoutError", "b cleaned" }, t:list())
      assert.are.equal("TimeoutError", parts.failure(d).name)
    end)

    it("5.3 the scope's own wait is nobody else's: a child that awaits another takes it along", function()
      local one, two
      local d = weir.scope(function(scope)
        one = scope:spawn(parts.work, t, "one")
        two = scope:spawn(weir.await, one)
      end)
      assert.is_true(two:cancel("why"))
      assert.are.same({ "one asked: why", "one cleaned" }, t:list())
      assert.are.same({ "cancelled", "cancelled", "success" }, { one:status(), two:status(), d:status() })
    end)

    it("5.3 but a child for which two others wait goes on for the second", function()
      local one, two, three
      local d = weir.scope(function(scope)
        one = scope:spawn(parts.work, t, "one")
        two, three = scope:spawn(weir.await, one), scope:spawn(weir.await, one)
      end)
      two:cancel()
      assert.are.same({ "waiting", "cancelled", "waiting" }, { one:status(), two:status(), three:status() })
      three:cancel()
      assert.are.same({ "cancelled", "success" }, { one:status(), d:status() })
    end)

    it("3.7 and run raises when they cannot end", function()
      local function body() scope_of({ "a" }) return weir.await((scope_of { "b" })) end
      assert.are.equal("DeadlockError", h.raised(weir.run, body).name)
    end)
  end)

  describe("refuses to spawn", function()
    local function assert_refused(scope)
      assert.is_not_nil(h.raised(scope.spawn, scope, function() t "started" end))
      for _, entry in ipairs(t:list()) do assert.are_not.equal("started", entry) end
    end

    it("9.2 when it has ended, in success or failure", function()
      local _, scope = scope_of {}
      assert_refused(scope)
      local d = weir.scope(function(s)
        scope = s
        error("e", 0)
      end)
      assert_refused(scope)
      assert.are.equal("e", parts.failure(d))
    end)

    it("9.2 while it is failing", function()
      local cleanup, gate, scope = weir.Deferred(), weir.Deferred(), nil
      local d = weir.scope(function(s)
        scope = s
        s:spawn(parts.work, t, "a", cleanup)
        weir.await(gate)
      end)
      gate:errback("e")
      assert_refused(scope)
      assert.are.equal("pending", d:status())
      cleanup:callback()
      assert.are.equal("e", parts.failure(d))
    end)

    it("9.2 when it was cancelled, from the cleanup of a child and from the host", function()
      local cleanup, scope = weir.Deferred(), nil
      local d = weir.scope(function(s)
        scope = s
        s:spawn(function()
          pcall(weir.await, weir.Deferred())
          assert_refused(s)
          weir.await(cleanup)
        end)
      end)
      d:cancel("why")
      assert_refused(scope)
      cleanup:callback()
      assert_cancelled(d, "why")
    end)

    it("9.2 in the body, behind a child that failed at once", function()
      local d = weir.scope(function(scope)
        local child = scope:spawn(error, "e", 0)
        t(child:status())
        assert_refused(scope)
        t(select(2, pcall(weir.await, weir.Deferred())).reason)
      end)
      assert.are.same({ "failure", "e" }, t:list())
      assert.are.equal("e", parts.failure(d))
    end)
  end)

  describe("fails", function()
    it("9.2 with the first failure of a child, when the rest, cancelled because of it, has ended", function()
      local cleanup, gate = weir.Deferred(), weir.Deferred()
      local d = watch(weir.scope(function(scope)
        scope:spawn(parts.work, t, "a", cleanup)
        scope:spawn(weir.await, gate)
        scope:spawn(parts.work, t, "c")
        return parts.work(t, "body")
      end))
      gate:errback("e")
      assert.are.same({ "body asked: e", "body cleaned", "a asked: e", "c asked: e", "c cleaned" }, t:list())
      assert.are.equal("pending", d:status())
      cleanup:callback()
      assert.are.same({ "a cleaned", "it failed: e" }, { table.unpack(t:list(), 6) })
      assert.are.equal("e", parts.failure(d))
    end)

    it("9.2 with the failure of its body, when its children, cancelled because of it, have ended", function()
      local cleanup, err = weir.Deferred(), {}
      local d = weir.scope(function(scope)
        scope:spawn(parts.work, t, "a", cleanup)
        error(err)
      end)
      assert.are.equal(1, #t:list())
      assert.matches("^a asked: table", t:list()[1])
      assert.are.equal("pending", d:status())
      cleanup:callback()
      assert.is_true(rawequal(err, parts.failure(d)))
    end)

    it("1.1 with an error that is nil", function()
      local d = weir.scope(function(scope) scope:spawn(error) end)
      assert.are.equal("failure", d:status())
      assert.is_nil(parts.failure(d))
    end)

    it("9.2 with a child's failure, though the body has caught it", function()
      local gate = weir.Deferred()
      local d = weir.scope(function(scope)
        local child = scope:spawn(weir.await, gate)
        t(parts.reason(select(2, pcall(weir.await, child))))
        return "v"
      end)
      gate:errback("e")
      assert.are.same({ "e" }, t:list())
      assert.are.equal("e", parts.failure(d))
      assert.are.same({}, parts.reported(reports))
    end)

    it("9.2 with a child's failure that went through its body, once", function()
      local gate = weir.Deferred()
      local d = weir.scope(function(scope) weir.await(scope:spawn(weir.await, gate)) end)
      gate:errback("e")
      assert.are.same({ "e" }, parts.reported(reports))
      assert.are.equal(d, reports[1].d)
      assert.are.same({ "e" }, parts.reported(reports))
    end)

    it("9.2 with the first of two failures; the second is reported", function()
      local one, two = weir.Deferred(), weir.Deferred()
      local d = weir.scope(function(scope)
        scope:spawn(weir.await, one)
        scope:spawn(function()
          pcall(weir.await, two)
          error("two", 0)
        end)
      end)
      one:errback("one")
      assert.are.equal("one", parts.failure(d))
      assert.are.same({ "two" }, parts.reported(reports))
      assert.are.same({ "two" }, parts.reported(reports))
    end)

    it("9.2 though a sibling that is cancelled swallows it", function()
      local gate = weir.Deferred()
      local d = weir.scope(function(scope)
        scope:spawn(function() pcall(weir.await, weir.Deferred()) return "swallowed" end)
        scope:spawn(weir.await, gate)
      end)
      gate:errback("e")
      assert.are.equal("e", parts.failure(d))
      assert.are.same({}, parts.reported(reports))
    end)

    it("9.2 with one cancel error for the rest, which has the failure for its reason", function()
      local gate, err = weir.Deferred(), {}
      local d, scope, workers = scope_of { "a", "b" }
      scope:spawn(weir.await, gate)
      gate:errback(err)
      local one, two = parts.failure(workers.a), parts.failure(workers.b)
      assert.is_true(rawequal(one, two))
      assert.is_true(rawequal(err, one.reason))
      assert.is_true(rawequal(err, parts.failure(d)))
    end)

    it("9.2 taking along children for which outsiders wait: it owns them", function()
      local gate = weir.Deferred()
      local d, scope, workers = scope_of { "a" }
      parts.awaiter(t, "outsider", workers.a)
      scope:spawn(weir.await, gate)
      gate:errback("e")
      assert.are.same({ "a asked: e", "a cleaned", "outsider saw e" }, t:list())
      assert.are.equal("e", parts.failure(d))
    end)

    it("9.2 and stays so when it is cancelled while it fails", function()
      local cleanup, gate = weir.Deferred(), weir.Deferred()
      local d, scope = scope_of({ "a" }, cleanup)
      scope:spawn(weir.await, gate)
      gate:errback("e")
      scope:cancel("again")
      cleanup:callback()
      assert.are.same({ "a asked: e", "a cleaned" }, t:list())
      assert.are.equal("e", parts.failure(d))
    end)

    it("5.6 and closes by force what does not end in the grace time", function()
      local old, gate = weir.grace(2), weir.Deferred()
      watch(weir.scope(function(scope)
        scope:spawn(parts.stubborn, t, "a")
        weir.await(gate)
      end))
      gate:errback("e")
      weir.grace(old)
      clock:advance(1.5)
      assert.are.same({}, t:list())
      clock:advance(0.5)
      assert.are.same({ "a closed", "it failed: e" }, t:list())
    end)

    it("6.1 when it is paused: told on unpause", function()
      local shared = weir.Deferred()
      weir.spawn(pcall, weir.await, shared)
      local d = watch(weir.scope(function(scope) scope:spawn(weir.await, shared) end))
      d:pause()
      shared:errback("e")
      assert.are.same({}, t:list())
      d:unpause()
      assert.are.same({ "it failed: e" }, t:list())
    end)

    it("8.1 reported once, its children's failures are not reported besides", function()
      local d = weir.scope(function(scope) scope:spawn(error, "e", 0) end)
      h.collect()
      assert.are.same({ "e" }, parts.reported(reports))
      assert.are.equal(d, reports[1].d)
    end)
  end)

  describe("cancelled", function()
    local function scope_with_body(cleanup)
      local scope
      local d = weir.scope(function(s)
        scope = s
        s:spawn(parts.work, t, "a", cleanup)
        s:spawn(weir.await, traced "b")
        return parts.work(t, "body")
      end)
      return watch(d), scope
    end

    local ASKED = { "b", "body asked: why", "body cleaned", "a asked: why" }

    it("9.2 by scope:cancel or by its Deferred: body and children, ending behind their cleanup", function()
      for _, way in ipairs { "scope", "Deferred" } do
        t = h.trace()
        local cleanup = weir.Deferred()
        local d, scope = scope_with_body(cleanup)
        local subject = way == "scope" and scope or d
        assert.is_true(subject:cancel("why"))
        assert.are.same(ASKED, t:list())
        assert.are.same({ false, "pending" }, { subject:cancel("again"), d:status() })
        cleanup:callback()
        assert.are.same({ "a cleaned", "it failed: why" }, { table.unpack(t:list(), 5) })
        assert_cancelled(d, "why")
        assert.is_false(subject:cancel())
      end
    end)

    it("5.2 with one error object", function()
      local body
      local d, scope, workers = scope_of { "a", "b" }
      scope:spawn(function()
        body = weir.current()
        weir.await(weir.Deferred())
      end)
      local top = weir.spawn(weir.await, d)
      assert.is_true(top:cancel("why"))
      for _, co in ipairs { workers.a, workers.b, body, d } do
        assert.is_true(rawequal(parts.failure(top), parts.failure(co)))
      end
    end)

    it("9.2 by its body: raised at that one's next wait", function()
      local d = watch(weir.scope(function(scope)
        scope:spawn(parts.work, t, "a")
        t(tostring(scope:cancel("why")))
        t(select(2, pcall(weir.await, weir.Deferred())).reason)
      end))
      table.sort(t:list())
      assert.are.same({ "a asked: why", "a cleaned", "it failed: why", "true", "why" }, t:list())
      assert_cancelled(d, "why")
    end)

    it("9.2 by a child", function()
      local gate = weir.Deferred()
      local d, scope = scope_of { "a" }
      scope:spawn(function()
        weir.await(gate)
        t(tostring(scope:cancel("why")))
        weir.await(weir.Deferred())
      end)
      gate:callback()
      assert.are.same({ "true", "a asked: why", "a cleaned" }, t:list())
      assert_cancelled(d, "why")
    end)

    it("9.2 by a callback", function()
      local fired = weir.Deferred()
      local d, scope = scope_of { "a" }
      fired:add_callback(function() scope:cancel("why") end)
      fired:callback()
      assert.are.same({ "a asked: why", "a cleaned" }, t:list())
      assert_cancelled(d, "why")
    end)

    it("9.2 ends cancelled though body and children succeed", function()
      local d = weir.scope(function(scope)
        scope:spawn(function() pcall(weir.await, weir.Deferred()) return "child" end)
        pcall(weir.await, weir.Deferred())
        return "body"
      end)
      assert.is_true(d:cancel("why"))
      assert_cancelled(d, "why")
    end)

    it("9.2 with its body ended and its children left: it ends cancelled, the body's values are lost", function()
      local d = scope_of { "a" }
      assert.is_true(d:cancel("why"))
      assert_cancelled(d, "why")
    end)

    it("9.2 does not take the error of a child's cleanup: it is reported", function()
      local d = weir.scope(function(scope)
        scope:spawn(function()
          pcall(weir.await, weir.Deferred())
          error("cleanup", 0)
        end)
      end)
      d:cancel("why")
      assert_cancelled(d, "why")
      assert.are.same({ "cleanup" }, parts.reported(reports))
    end)

    it("9.2 taking along children for which outsiders wait: it owns them", function()
      local d, _, workers = scope_of { "a" }
      parts.awaiter(t, "outsider", workers.a)
      assert.is_true(d:cancel("why"))
      assert.are.same({ "a asked: why", "a cleaned", "outsider saw why" }, t:list())
      assert_cancelled(d, "why")
    end)

    it("5.3 leaves alone what its children share with outsiders", function()
      local shared = traced "shared"
      local other = weir.spawn(weir.await, shared)
      local d = weir.scope(function(scope) scope:spawn(weir.await, shared) end)
      d:cancel("why")
      assert.are.same({ "cancelled", "waiting" }, { d:status(), other:status() })
      assert.are.same({}, t:list())
    end)

    it("5.3 by one of two coroutines that await it: it goes on for the other", function()
      local d = scope_of { "a" }
      local one, two = weir.spawn(weir.await, d), weir.spawn(weir.await, d)
      one:cancel("1")
      assert.are.same({}, t:list())
      two:cancel("2")
      assert.are.same({ "a asked: 2", "a cleaned" }, t:list())
      assert_cancelled(d, "2")
    end)

    it("9.2 its body alone: that is the outcome, the children are cancelled", function()
      local cleanup, body = weir.Deferred(), nil
      local d = watch(weir.scope(function(scope)
        body = weir.current()
        scope:spawn(parts.work, t, "a", cleanup)
        return parts.work(t, "body")
      end))
      assert.is_true(body:cancel("why"))
      assert.are.same({ "body asked: why", "body cleaned" }, { table.unpack(t:list(), 1, 2) })
      assert.matches("^a asked: ", t:list()[3])
      assert.are.equal("pending", d:status())
      cleanup:callback()
      assert.are.same({ "a cleaned", "it failed: why" }, { table.unpack(t:list(), 4) })
      assert.is_true(rawequal(parts.failure(body), parts.failure(d)))
    end)

    it("9.2 its body alone, with the child it awaits", function()
      local body, child
      local d = weir.scope(function(scope)
        body = weir.current()
        child = scope:spawn(parts.work, t, "child")
        weir.await(child)
      end)
      assert.is_true(body:cancel("why"))
      assert.are.same({ "child asked: why", "child cleaned" }, t:list())
      assert.is_true(rawequal(parts.failure(body), parts.failure(child)))
      assert_cancelled(d, "why")
    end)

    it("9.2 its body, by a cancel error that it awaited and let pass", function()
      local inner = weir.Deferred()
      local d = weir.scope(function(scope)
        scope:spawn(parts.work, t, "a")
        weir.await(inner)
      end)
      inner:cancel("why")
      assert.is_true(rawequal(parts.failure(inner), parts.failure(d)))
      assert.are.equal(2, #t:list())
    end)

    it("5.6 with a grace time: what has not ended then is closed by force", function()
      local scope
      local d = watch(weir.scope(function(s)
        scope = s
        s:spawn(parts.stubborn, t, "a")
        return parts.stubborn(t, "body")
      end))
      assert.is_true(scope:cancel("why", 2))
      clock:advance(1.5)
      assert.are.equal("pending", d:status())
      clock:advance(0.5)
      table.sort(t:list())
      assert.are.same({ "a closed", "body closed", "it failed: why" }, t:list())
      assert_cancelled(d, "why")
    end)

    it("5.6 wrong seconds are an argument error, nothing is cancelled", function()
      local d, scope = scope_of { "a" }
      for _, wrong in ipairs { -1, 0 / 0, "x", {} } do
        assert.matches("bad argument #2 to 'cancel'", h.raised(function() scope:cancel("why", wrong) end), 1, true)
      end
      assert.are.same({ "pending" }, { d:status(), t:list()[1] })
    end)

    it("2.7 by d:timeout, and by the seconds of an await", function()
      local d = scope_of { "a" }
      d:timeout(1)
      parts.awaiter(t, "co", (scope_of { "b" }), 2)
      clock:advance(1)
      assert.are.equal("TimeoutError", parts.failure(d).name)
      assert.are.same({ "a asked: TimeoutError", "a cleaned" }, t:list())
      clock:advance(1)
      assert.are.equal("b cleaned", t:list()[4])
      assert.are.equal("co saw TimeoutError", t:list()[5])
    end)

    it("5.9 before its body has begun: that never runs", function()
      local d
      weir.succeed():add_callback(function()
        d = weir.scope(t)
        assert.is_true(d:cancel("why"))
      end)
      assert.are.same({}, t:list())
      assert_cancelled(d, "why")
    end)

    it("5.10 is not reported", function()
      scope_of { "a", "b" }:cancel()
      h.collect()
      assert.are.same({}, parts.reported(reports))
    end)
  end)

  describe("paused", function()
    it("6.1 holds body and children, and frees them", function()
      local d = weir.scope(function(scope)
        scope:spawn(weir.sleep, 20)
        weir.sleep(10)
        return "v"
      end)
      clock:advance(5)
      d:pause()
      clock:advance(100)
      d:unpause()
      clock:advance(14.5)
      assert.are.equal("pending", d:status())
      clock:advance(0.5)
      assert.are.equal("v", d:result())
    end)

    it("6.1 by way of a coroutine that awaits it", function()
      local hooked = parts.hooked(t, "d")
      local d = weir.scope(function(scope) scope:spawn(weir.await, hooked) end)
      local co = weir.spawn(weir.await, d)
      co:pause()
      co:unpause()
      assert.are.same({ "pause d", "unpause d" }, t:list())
    end)

    it("6.1 holds what is spawned meanwhile", function()
      local d, scope = scope_of { "a" }
      d:pause()
      local child = scope:spawn(t, "child")
      local seen = #t:list()
      d:unpause()
      assert.are.same({ "child" }, t:list())
      assert.are.equal("success", child:status())
      assert.is_true(seen <= 1)
    end)

    it("6.3 its body alone: that one holds the child it awaits, not the others", function()
      local body
      weir.scope(function(scope)
        body = weir.current()
        local child = scope:spawn(weir.await, parts.hooked(t, "awaited"))
        scope:spawn(weir.await, parts.hooked(t, "other"))
        weir.await(child)
      end)
      body:pause()
      body:unpause()
      assert.are.same({ "pause awaited", "unpause awaited" }, t:list())
    end)

    it("6.3 a child for which an outsider waits is not held", function()
      local hooked = parts.hooked(t, "d")
      local child
      local d = weir.scope(function(scope) child = scope:spawn(weir.await, hooked) end)
      parts.awaiter(t, "outsider", child)
      d:pause()
      hooked:callback("v")
      assert.are.same({ "outsider got v" }, t:list())
      assert.are.equal("pending", d:status())
      d:unpause()
      assert.are.equal("success", d:status())
    end)

    it("6.1 by its own child, which is held at its next wait, until it is unpaused", function()
      local d, gate = nil, weir.Deferred()
      d = watch(weir.scope(function(scope)
        scope:spawn(function()
          weir.await(gate)
          d:pause()
          t "still runs"
          weir.yield()
          t "runs again"
        end)
      end))
      gate:callback()
      weir.step()
      assert.are.same({ "still runs" }, t:list())
      d:unpause()
      weir.step()
      assert.are.same({ "still runs", "runs again", "it done" }, t:list())
    end)
  end)

  describe("in a scope", function()
    local function nested(cleanup)
      local inner
      local outer = weir.scope(function(scope)
        scope:spawn(parts.work, t, "sibling")
        inner = weir.scope(function(s)
          s:spawn(parts.work, t, "inner's", cleanup)
          return weir.await(weir.Deferred())
        end)
        return (weir.await(inner))
      end)
      return outer, inner
    end

    it("9.2 fails it when it fails, behind its own end", function()
      local gate = weir.Deferred()
      local outer = weir.scope(function(scope)
        scope:spawn(parts.work, t, "sibling")
        weir.await(weir.scope(function(s)
          s:spawn(parts.work, t, "inner's")
          weir.await(gate)
        end))
      end)
      gate:errback("e")
      assert.are.same({ "inner's asked: e", "inner's cleaned", "sibling asked: e", "sibling cleaned" }, t:list())
      assert.are.equal("e", parts.failure(outer))
      assert.are.same({}, parts.reported(reports))
    end)

    it("9.2 is caught with pcall, and the outer one goes on", function()
      local outer = weir.scope(function()
        local ok, err = pcall(weir.await, weir.scope(function(s) s:spawn(error, "e", 0) end))
        t(tostring(ok) .. " " .. err)
        return "v"
      end)
      assert.are.same({ "false e" }, t:list())
      assert.are.equal("v", outer:result())
    end)

    it("5.2 is cancelled with it: the outer one ends last, one error object", function()
      local cleanup = weir.Deferred()
      local outer, inner = nested(cleanup)
      assert.is_true(outer:cancel("why"))
      assert.are.equal("pending", outer:status())
      cleanup:callback()
      table.sort(t:list())
      assert.are.same({ "inner's asked: why", "inner's cleaned", "sibling asked: why", "sibling cleaned" }, t:list())
      assert.is_true(rawequal(parts.failure(inner), parts.failure(outer)))
    end)

    it("9.2 cancelled alone, and awaited by the body, is the outer one's outcome too", function()
      local outer, inner = nested()
      assert.is_true(inner:cancel("why"))
      assert.are.same({ "inner's asked: why", "inner's cleaned" }, { table.unpack(t:list(), 1, 2) })
      assert.is_true(rawequal(parts.failure(inner), parts.failure(outer)))
    end)

    it("9.2 as a child's business does not stop the outer one when it is cancelled", function()
      local inner
      local outer = weir.scope(function(scope)
        scope:spawn(function()
          inner = weir.scope(function(s) s:spawn(parts.work, t, "inner's") end)
          weir.await(inner)
        end)
        return "v"
      end)
      inner:cancel("why")
      assert.are.same({ "inner's asked: why", "inner's cleaned" }, t:list())
      assert.are.equal("v", outer:result())
    end)
  end)

  describe("with the combinators", function()
    it("9 a race cancels the scope that loses, children and all", function()
      local gate, cleanup = weir.Deferred(), weir.Deferred()
      local d = watch(weir.race { scope_of({ "a" }, cleanup), gate })
      gate:callback("v")
      assert.are.same({ "it done", "a asked: lost" }, t:list())
      cleanup:callback()
      assert.are.equal("v", d:result())
    end)

    it("9 all over children of the scope, in its body", function()
      local d = weir.scope(function(scope)
        local function slow(v) weir.sleep(v) return v end
        return weir.await(weir.all { scope:spawn(slow, 2), x = scope:spawn(slow, 1) })
      end)
      clock:advance(2)
      assert.are.same({ 2, x = 1 }, d:result())
    end)

    it("9 a race over children of the scope, in its body: the loser is cancelled, the scope succeeds", function()
      local d = weir.scope(function(scope)
        return weir.await(weir.race { scope:spawn(parts.work, t, "loser"), scope:spawn(weir.sleep, 1), "won" })
      end)
      assert.are.same({ "loser asked: lost", "loser cleaned" }, t:list())
      assert.are.equal("won", d:result())
    end)
  end)

  describe("is flat", function()
    it("9.2 with twenty thousand children, ending one by one", function()
      local gates = parts.list(MANY, function() return weir.Deferred() end)
      local d = weir.scope(function(scope)
        for i = 1, MANY do scope:spawn(weir.await, gates[i]) end
        return "v"
      end)
      for i = 1, MANY do gates[i * 7919 % MANY + 1]:callback() end
      assert.are.equal("v", d:result())
    end)

    it("9.2 with twenty thousand children, cancelled in the order of their starts", function()
      local d = weir.scope(function(scope)
        for i = 1, MANY do scope:spawn(weir.await, traced(i)) end
      end)
      assert.is_true(d:cancel("why"))
      assert.are.equal(table.concat(parts.list(MANY, tostring), " "), table.concat(t:list(), " "))
      assert_cancelled(d, "why")
    end)

    it("9.2 with twenty thousand that are left when one fails", function()
      local gate = weir.Deferred()
      local d = weir.scope(function(scope)
        for i = 1, MANY do scope:spawn(weir.await, traced(i)) end
        weir.await(gate)
      end)
      gate:errback("e")
      assert.are.equal(MANY, #t:list())
      assert.are.equal("e", parts.failure(d))
    end)

    it("9.2 with twenty thousand children, each spawned by the one before", function()
      local n = 0
      local d = weir.scope(function(scope)
        local function child()
          n = n + 1
          if n < MANY then scope:spawn(child) end
        end
        scope:spawn(child)
        return "v"
      end)
      assert.are.same({ "v", MANY }, { d:result(), n })
    end)

    local function nest(depth, bottom)
      return weir.scope(function(scope)
        local inner = depth == 0 and bottom or nest(depth - 1, bottom)
        return (weir.await(depth % 2 == 0 and inner or scope:spawn(weir.await, inner)))
      end)
    end

    it("2.4 twenty thousand deep in each other, with a value, and a tenth of that with a failure", function()
      local good, bad = weir.Deferred(), weir.Deferred()
      local one, two = nest(MANY, good), nest(MANY // 10, bad)
      good:callback("v")
      bad:errback("e")
      assert.are.equal("v", one:result())
      assert.are.equal("e", parts.failure(two))
      assert.are.equal(0, #parts.reported(reports))
    end)

    it("5.2 twenty thousand deep in each other, cancelled", function()
      local bottom = traced "bottom"
      local d = nest(MANY, bottom)
      assert.is_true(d:cancel("why"))
      assert.are.same({ "bottom" }, t:list())
      assert.is_true(rawequal(parts.failure(bottom), parts.failure(d)))
    end)

    it("6.4 twenty thousand deep in each other, paused", function()
      local bottom = parts.hooked(t, "bottom")
      local d = nest(MANY, bottom)
      d:pause()
      d:unpause()
      assert.are.same({ "pause bottom", "unpause bottom" }, t:list())
      bottom:callback("v")
      assert.are.equal("v", d:result())
    end)
  end)

  describe("lets go", function()
    it("9.2 of children that have ended, while it goes on", function()
      local weak, gate = setmetatable({}, { __mode = "k" }), weir.Deferred()
      local d, scope = scope_of({ "a" }, nil, gate)
      for i = 1, 100 do
        local value = {}
        weak[value] = true
        weak[scope:spawn(function() return value, i % 2 == 0 and weir.await(weir.succeed()) end)] = true
      end
      assert.is_true(h.released(weak))
      assert.are.equal("pending", d:status())
      gate:callback()
      assert.are.equal("success", d:status())
    end)

    it("9.2 of children that have ended, whoever still waits", function()
      local weak, gate = setmetatable({}, { __mode = "k" }), weir.Deferred()
      local d = weir.scope(function(scope)
        for i = 1, 10 do
          local child = scope:spawn(weir.sleep, i)
          weak[child] = true
        end
        weir.await(gate)
      end)
      clock:advance(10)
      assert.is_true(h.released(weak))
      assert.are.equal("pending", d:status())
      gate:callback()
    end)

    it("9.2 of children cancelled singly", function()
      local weak, d, scope = setmetatable({}, { __mode = "k" }), scope_of { "a" }
      for _ = 1, 10 do
        local child = scope:spawn(weir.await, weir.Deferred())
        weak[child] = true
        child:cancel()
      end
      assert.is_true(h.released(weak))
      assert.are.equal("pending", d:status())
    end)

    it("9.2 of body and children when it has ended, whoever keeps it", function()
      local weak = setmetatable({}, { __mode = "k" })
      local function build()
        local scope
        local d = weir.scope(function(s)
          scope = s
          weak[weir.current()] = true
          weak[s:spawn(h.ignore)] = true
        end)
        return scope, d
      end
      local scope, d = build()
      assert.is_true(h.released(weak))
      assert.are.equal("success", d:status())
      assert.is_false(scope:cancel())
    end)

    it("9.2 with a flat memory over twenty thousand children, one after the other", function()
      local d = weir.scope(function(scope)
        for _ = 1, MANY // 10 do weir.await(scope:spawn(weir.yield)) end
        h.collect()
        t(collectgarbage("count"))
        for _ = 1, MANY do weir.await(scope:spawn(weir.yield)) end
        h.collect()
        t(collectgarbage("count"))
      end)
      while d:status() == "pending" do weir.step() end
      assert.is_true(t:list()[2] < t:list()[1] + 200)
    end)

    it("3.8 abandoned: body and children are found and cancelled, each once", function()
      local function build()
        weir.scope(function(scope)
          scope:spawn(parts.work, t, "a")
          return parts.work(t, "body")
        end)
      end
      build()
      for _ = 1, 2 do
        h.collect()
        weir.step()
      end
      assert.are.equal(4, #t:list())
      table.sort(t:list())
      assert.matches("^a asked: ", t:list()[1])
      assert.matches("^body asked: ", t:list()[3])
      assert.are.same({ "a cleaned", "body cleaned" }, { t:list()[2], t:list()[4] })
    end)

    it("3.8 not of what can still be reached through what a child waits for", function()
      local gate = weir.Deferred()
      local function build()
        watch(weir.scope(function(scope)
          scope:spawn(parts.work, t, "a", nil, gate)
          scope:spawn(parts.work, t, "b", nil, gate)
          return "v"
        end))
      end
      build()
      h.collect()
      weir.step()
      assert.are.same({}, t:list())
      gate:callback()
      assert.are.same({ "it done" }, t:list())
    end)

    it("3.8 not of one whose scope object alone is held", function()
      local function build()
        local d, scope = scope_of { "a" }
        watch(d)
        return scope
      end
      local scope = build()
      h.collect()
      weir.step()
      assert.are.same({}, t:list())
      assert.is_true(scope:cancel("why"))
      assert.are.same({ "a asked: why", "a cleaned", "it failed: why" }, t:list())
    end)
  end)

  it("2.11 tells its kind, address and state", function()
    local _, scope = scope_of { "a" }
    local before = tostring(scope)
    assert.matches("[Ss]cope: 0x%x+", before)
    scope:cancel()
    assert.matches("[Ss]cope: 0x%x+", tostring(scope))
    assert.are_not.equal(before, tostring(scope))
  end)

  it("5.1 cancelled it hears of every child's end, also of one whose callback makes a success of that", function()
    h.unhandled()
    local all = weir.spawn(function()
      weir.await(weir.scope(function(scope)
        scope:spawn(weir.await, weir.Deferred()):add_errback(function() return "recovered" end)
        weir.await(weir.Deferred())
      end))
    end)
    all:cancel()
    assert.are.equal("cancelled", all:status())
  end)
end)
