local weir = require "weir"
local h = require "spec.helper"
local places = require "spec.places"

local function guard(f) return setmetatable({}, { __close = f }) end

describe("tail", function()
  local t
  local function say(what) t(what) end
  before_each(function()
    h.manual()
    t = h.trace()
    h.unhandled()
  end)
  after_each(function()
    weir.inline(true)
    h.restore()
  end)

  describe("noreturn", function()
    it("4.1 never returns to its caller", function()
      local co = weir.spawn(function()
        t "body"
        weir.noreturn(function()
          t "new body"
          return "value"
        end)
        t "never"
        return "never"
      end)
      assert.same({ "body", "new body" }, t:list())
      assert.equal("value", co:result())
    end)

    it("4.1 nor from any call depth", function()
      local function deep(n)
        if n > 0 then deep(n - 1) else weir.noreturn(say, "new body") end
        t "never"
      end
      local co = weir.spawn(deep, 1000)
      assert.equal("success", co:status())
      assert.same({ "new body" }, t:list())
    end)

    it("4.1 nor through pcall, xpcall and its handler", function()
      local function deep(n)
        if n == 0 then weir.noreturn(say, "new body") end
        if n % 2 == 0 then pcall(deep, n - 1) else xpcall(deep, function() t "handler" end, n - 1) end
        t "never"
      end
      local co = weir.spawn(deep, 100)
      assert.equal("success", co:status())
      assert.same({ "new body" }, t:list())
    end)

    it("4.1 nor through metamethods and iterators", function()
      local function go()
        weir.noreturn(say, "new body")
        t "never"
      end
      local box = setmetatable({}, { __index = go, __add = go, __lt = go, __concat = go, __call = go })
      local tries = {
        function() return box.field end,
        function() return box + 1 end,
        function() return box < box end,
        function() return box .. "" end,
        function() return box() end,
        function() for _ in go do t "never" end end,
      }
      for _, try in ipairs(tries) do
        weir.spawn(function()
          try()
          t "never"
        end)
      end
      assert.same({ "new body", "new body", "new body", "new body", "new body", "new body" }, t:list())
    end)

    it("4.1 nor behind a wait, with what it waited on fired", function()
      local gate = weir.Deferred()
      weir.spawn(function()
        t(weir.await(gate))
        weir.noreturn(say, "new body")
        t "never"
      end)
      gate:callback("woken")
      assert.same({ "woken", "new body" }, t:list())
    end)

    it("4.1 passes the arguments, nils among them", function()
      local co = weir.spawn(function()
        weir.noreturn(function(...) return select("#", ...), ... end, nil, 2, nil)
      end)
      assert.same({ n = 4, 3, nil, 2, nil }, table.pack(co:result()))
    end)

    it("4.1 closes pending <close> variables first, innermost first, at all call depths, with no error", function()
      local function closing(name) return guard(function(_, err) t(name .. tostring(err)) end) end
      weir.spawn(function()
        local _ <close> = closing "1 "
        local _ <close> = closing "2 "
        pcall(function()
          local _ <close> = closing "3 "
          do
            local _ <close> = closing "4 "
            weir.noreturn(say, "new body")
          end
        end)
      end)
      assert.same({ "4 nil", "3 nil", "2 nil", "1 nil", "new body" }, t:list())
    end)

    it("4.1 closes each variable once", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function()
        local _ <close> = guard(function() t "closed" end)
        weir.noreturn(weir.await, gate)
      end)
      assert.same({ "closed" }, t:list())
      co:cancel()
      assert.same({ "closed" }, t:list())
    end)

    it("4.1 what only the coroutine's own stack held is collectable when f runs", function()
      local weak, gate = setmetatable({}, { __mode = "k" }), weir.Deferred()
      local co = weir.spawn(function(argument, ...)
        local big, closing = {}, guard(function() end)
        weak[big], weak[closing], weak[argument], weak[(...)] = true, true, true, true
        local _ <close> = closing
        weir.await(gate)
        pcall(function(deeper)
          weak[deeper] = true
          weir.noreturn(function() return h.released(weak) end)
          t(big)
        end, {})
      end, {}, {})
      assert.is_false(h.released(weak))
      gate:callback()
      assert.is_true(co:result())
    end)

    it("4.1 so is the old body, and all of it while f waits", function()
      local weak, gate = setmetatable({}, { __mode = "k" }), weir.Deferred()
      local function start()
        local big = {}
        local function body()
          t(big and "body")
          weir.noreturn(weir.await, gate)
        end
        weak[big], weak[body] = true, true
        return weir.spawn(body)
      end
      local co = start()
      assert.is_true(h.released(weak))
      assert.equal("waiting", co:status())
      gate:callback("value")
      assert.equal("value", co:result())
      assert.same({ "body" }, t:list())
    end)

    it("4.1 what f was given stays", function()
      local weak = setmetatable({}, { __mode = "k" })
      local co = weir.spawn(function()
        local kept = {}
        weak[kept] = true
        weir.noreturn(function(v)
          local gone = h.released(weak)
          return gone, v
        end, kept)
      end)
      local gone, v = co:result()
      assert.is_false(gone)
      assert.is_true(weak[v])
    end)

    it("4.1 f runs as the same Coroutine", function()
      local gate, seen = weir.Deferred(), nil
      local co = weir.spawn(function()
        weir.noreturn(function()
          seen = weir.current()
          weir.await(gate)
          return "value"
        end)
      end)
      assert.equal(co, seen)
      assert.equal("waiting", co:status())
      gate:callback()
      assert.equal("value", co:result())
    end)

    it("4.1 its waiters and callbacks are told once, of f's outcome", function()
      local gate1, gate2 = weir.Deferred(), weir.Deferred()
      local co = weir.spawn(function()
        weir.await(gate1)
        weir.noreturn(function()
          weir.await(gate2)
          return "value"
        end)
      end)
      co:add_callback(function(v)
        t("callback " .. v)
        return v
      end)
      weir.spawn(function() t("waiter " .. weir.await(co)) end)
      gate1:callback()
      assert.same({}, t:list())
      gate2:callback()
      assert.same({ "callback value", "waiter value" }, t:list())
    end)

    it("4.1 f's error is the Coroutine's failure; a pcall of the old body does not see it", function()
      local err = {}
      local co = weir.spawn(function()
        t(pcall(weir.noreturn, error, err))
      end)
      assert.same({}, t:list())
      assert.equal(err, h.raised(co.result, co))
    end)

    it("4.1 the pause count stays", function()
      local co = weir.spawn(function()
        weir.current():pause()
        weir.current():pause()
        weir.noreturn(say, "new body")
      end)
      assert.equal("paused", co:status())
      co:unpause()
      assert.same({}, t:list())
      co:unpause()
      assert.same({ "new body" }, t:list())
      assert.has_error(function() co:unpause() end)
    end)

    it("4.1 f may wait, spawn and hop again", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function()
        weir.noreturn(function()
          local v = weir.await(weir.spawn(function() return weir.await(gate) end))
          weir.noreturn(function(w) return v .. w end, " and more")
        end)
      end)
      gate:callback("value")
      assert.equal("value and more", co:result())
    end)

    it("4.1 an eager callee that hops and waits gives its caller control back", function()
      local gate = weir.Deferred()
      weir.spawn(function()
        local callee = weir.spawn(function()
          weir.noreturn(function() return weir.await(gate) end)
        end)
        t "caller"
        t(weir.await(callee))
      end)
      assert.same({ "caller" }, t:list())
      gate:callback("value")
      assert.same({ "caller", "value" }, t:list())
    end)
  end)

  describe("what it goes to", function()
    it("4.2 a weir.coroutine function: its body is taken, no second Coroutine", function()
      local seen
      local target = weir.coroutine(function(a, b)
        seen = weir.current()
        return b, a
      end)
      local co = weir.spawn(function() weir.noreturn(target, 1, 2) end)
      assert.equal(co, seen)
      assert.same({ 2, 1 }, { co:result() })
    end)

    it("4.2 a callable: called with itself and the arguments", function()
      local callable
      callable = setmetatable({}, { __call = function(self, ...)
        t(self == callable)
        return ...
      end })
      local co = weir.spawn(function() weir.noreturn(callable, 1, nil, 3) end)
      assert.same({ true }, t:list())
      assert.same({ n = 3, 1, nil, 3 }, table.pack(co:result()))
    end)

    it("4.2 a C function, one that waits too", function()
      local gate = weir.Deferred()
      local co = weir.spawn(function() weir.noreturn(math.max, 3, 7) end)
      assert.equal(7, co:result())
      co = weir.spawn(function() weir.noreturn(weir.await, gate) end)
      gate:callback("value")
      assert.equal("value", co:result())
    end)

    it("4.2 a Deferred: its success, fired before or later, becomes this one's", function()
      local d = weir.Deferred()
      local co = weir.spawn(function()
        weir.noreturn(d)
        t "never"
      end)
      assert.has_error(function() co:result() end)
      d:callback(1, nil, 3)
      assert.same({ n = 3, 1, nil, 3 }, table.pack(co:result()))
      assert.equal("x", weir.spawn(function() weir.noreturn(weir.succeed("x")) end):result())
      assert.same({}, t:list())
    end)

    it("4.2 a Deferred: its failure, fired before or later, becomes this one's", function()
      local d, err = weir.Deferred(), {}
      local co = weir.spawn(function()
        t(pcall(weir.noreturn, d))
      end)
      d:errback(err)
      assert.equal(err, h.raised(co.result, co))
      co = weir.spawn(function() weir.noreturn(weir.fail(err)) end)
      assert.equal(err, h.raised(co.result, co))
      assert.same({}, t:list())
    end)

    it("4.2 a Coroutine: its outcome becomes this one's", function()
      local gate = weir.Deferred()
      local other = weir.spawn(function() return "other " .. weir.await(gate) end)
      local co = weir.spawn(function() weir.noreturn(other) end)
      weir.spawn(function() t(weir.await(co)) end)
      gate:callback("value")
      assert.same({ "other value" }, t:list())
      assert.equal("other value", other:result())
    end)

    it("4.2 a Deferred: <close> variables are closed and the stack is released while it is pending", function()
      local weak, d = setmetatable({}, { __mode = "k" }), weir.Deferred()
      local co = weir.spawn(function()
        local big = {}
        weak[big] = true
        local _ <close> = guard(function() t "closed" end)
        weir.noreturn(d)
        t(big)
      end)
      assert.same({ "closed" }, t:list())
      assert.is_true(h.released(weak))
      d:callback("value")
      assert.equal("value", co:result())
    end)

    it("4.2 cancel reaches the Deferred", function()
      local d = weir.Deferred(function() t "canceller" end)
      local co = weir.spawn(function() weir.noreturn(d) end)
      assert.is_true(co:cancel("why"))
      assert.same({ "canceller" }, t:list())
      assert.equal("cancelled", d:status())
      assert.equal("cancelled", co:status())
      assert.equal("why", h.raised(co.result, co).reason)
    end)

    it("4.2 cancel reaches the Coroutine, and waits for its cleanup", function()
      local clock = h.manual()
      local other = weir.spawn(function()
        local _ <close> = guard(function()
          weir.sleep(1)
          t "cleanup"
        end)
        weir.await(weir.Deferred())
      end)
      local co = weir.spawn(function() weir.noreturn(other) end)
      weir.spawn(function()
        pcall(weir.await, co)
        t "waiter"
      end)
      co:cancel()
      assert.same({}, t:list())
      clock:advance(1)
      assert.same({ "cleanup", "waiter" }, t:list())
      assert.equal("cancelled", other:status())
      assert.equal("cancelled", co:status())
    end)

    it("4.2 pause reaches the Deferred", function()
      local d = weir.Deferred { pause = function() t "pause" end, unpause = function() t "unpause" end }
      local co = weir.spawn(function() weir.noreturn(d) end)
      co:pause()
      assert.same({ "pause" }, t:list())
      d:callback("value")
      assert.has_error(function() co:result() end)
      co:unpause()
      assert.equal("value", co:result())
    end)

    it("4.2 pause of one that is held at the hop holds the Deferred it goes to", function()
      local d = weir.Deferred()
      local co = weir.spawn(function()
        weir.current():pause()
        weir.noreturn(d)
      end)
      d:callback("value")
      assert.has_error(function() co:result() end)
      co:unpause()
      assert.equal("value", co:result())
    end)

    it("4.2 a cancelled Coroutine ends cancelled though its new body returns", function()
      local co = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        weir.noreturn(function()
          t "new body"
          return "success"
        end)
      end)
      assert.is_true(co:cancel())
      assert.same({ "new body" }, t:list())
      assert.equal("cancelled", co:status())
      assert.is_true(weir.is_cancelled(h.raised(co.result, co)))
    end)

    it("4.2 a cancelled Coroutine ends cancelled though the Deferred it went to succeeds", function()
      local after = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        weir.noreturn(weir.succeed("success"))
      end)
      assert.is_true(after:cancel())
      assert.equal("cancelled", after:status())
      local d = weir.Deferred(function(d) d:callback("answered") end)
      local before = weir.spawn(function() weir.noreturn(d) end)
      assert.is_true(before:cancel())
      assert.equal("answered", d:result())
      assert.equal("cancelled", before:status())
    end)

    it("4.2 a Coroutine that goes to itself fails with DeadlockError", function()
      -- A circle, as in 2.10: it may be told at the call or as the outcome.
      local co = weir.spawn(function() weir.noreturn(weir.current()) end)
      assert.equal("failure", co:status())
      assert.equal("DeadlockError", h.raised(co.result, co).name)
    end)

    it("4.2 a circle of two fails with DeadlockError where it closes", function()
      local gate, a = weir.Deferred(), nil
      local b = weir.spawn(function()
        weir.await(gate)
        weir.noreturn(a)
      end)
      a = weir.spawn(function() weir.noreturn(b) end)
      gate:callback()
      assert.equal("DeadlockError", h.raised(b.result, b).name)
      assert.equal("DeadlockError", h.raised(a.result, a).name)
    end)
  end)

  describe("memory", function()
    local function kilobytes()
      collectgarbage()
      collectgarbage()
      return collectgarbage "count"
    end

    -- Swaps two bodies n times; true if the last has no more memory in use than the hundredth, give or take 32 KB.
    local function constant(n, decorate, hop)
      local first, last
      local bodies = {}
      local function step(i, other)
        if i == 100 then first = kilobytes() end
        if i == n then
          last = kilobytes()
          return "end"
        end
        hop(bodies[other], i + 1)
      end
      bodies[1] = decorate(function(i) return step(i, 2) end)
      bodies[2] = decorate(function(i) return step(i, 1) end)
      assert.equal("end", weir.run(function() weir.noreturn(bodies[1], 1) end))
      return last - first < 32
    end
    local function plain(f) return f end

    it("4.3 ten million hops run in constant memory", function()
      assert.is_true(constant(h.scale(10000000), plain, weir.noreturn))
    end)

    it("4.3 a million decorated hops run in constant memory", function()
      assert.is_true(constant(h.scale(1000000), weir.coroutine, weir.noreturn))
    end)

    it("4.3 a million hops out of pcall with <close> variables and waits run in constant memory", function()
      assert.is_true(constant(h.scale(1000000), plain, function(f, i)
        local _ <close> = guard(function() end)
        weir.await(weir.succeed(i))
        pcall(weir.noreturn, f, i)
      end))
    end)

    it("4.3 a hundred thousand hops with a yield each run in constant memory", function()
      assert.is_true(constant(h.scale(100000), plain, function(f, i)
        weir.yield()
        weir.noreturn(f, i)
      end))
    end)

    it("4.3 a hundred thousand Coroutines that each go to the next are flat, and one outcome passes all", function()
      local n, gate = h.scale(100000), weir.Deferred()
      local function go(i)
        if i == n then return weir.await(gate) end
        weir.noreturn(weir.spawn(go, i + 1))
      end
      local co = weir.spawn(go, 1)
      assert.has_error(function() co:result() end)
      gate:callback("value")
      assert.equal("value", co:result())
    end)
  end)

  describe("a __close handler", function()
    it("4.4 that raises makes the coroutine fail with that error, f is not run", function()
      local err = {}
      local co = weir.spawn(function()
        local _ <close> = guard(function() t "outer" end)
        local _ <close> = guard(function() error(err) end)
        weir.noreturn(say, "never")
      end)
      assert.same({ "outer" }, t:list())
      assert.equal(err, h.raised(co.result, co))
    end)

    it("4.4 if several raise, Lua's rule: each sees the error before, the last stands", function()
      local co = weir.spawn(function()
        local _ <close> = guard(function(_, e) t("quiet " .. e) end)
        local _ <close> = guard(function(_, e)
          t("second " .. e)
          error("error 2", 0)
        end)
        local _ <close> = guard(function(_, e)
          t("first " .. tostring(e))
          error("error 1", 0)
        end)
        weir.noreturn(say, "never")
      end)
      assert.same({ "first nil", "second error 1", "quiet error 2" }, t:list())
      assert.equal("error 2", h.raised(co.result, co))
    end)

    it("4.4 a pcall around the noreturn does not catch it", function()
      local co = weir.spawn(function()
        t(pcall(function()
          local _ <close> = guard(function() error("in close", 0) end)
          weir.noreturn(say, "never")
        end))
      end)
      assert.same({}, t:list())
      assert.equal("in close", h.raised(co.result, co))
    end)

    it("4.4 that awaits makes the coroutine fail, f is not run, the other handlers are", function()
      local d = weir.Deferred()
      for _, wait in ipairs {
        function() weir.await(d) end,
        function() weir.await(weir.succeed()) end,
        function() weir.sleep(1) end,
        function() weir.yield() end,
        function() coroutine.yield(d) end,
      } do
        local co = weir.spawn(function()
          local _ <close> = guard(function() t "outer" end)
          local _ <close> = guard(wait)
          weir.noreturn(say, "never")
        end)
        assert.equal("failure", co:status())
        assert.is_false(weir.is_cancelled(h.raised(co.result, co)))
      end
      assert.same({ "outer", "outer", "outer", "outer", "outer" }, t:list())
      assert.equal("pending", d:status())
    end)

    it("4.4 likewise where noreturn goes to a Deferred: it is let go", function()
      local d = weir.Deferred()
      local co = weir.spawn(function()
        local _ <close> = guard(function() error("in close", 0) end)
        weir.noreturn(d)
      end)
      assert.equal("in close", h.raised(co.result, co))
      assert.has_no_error(function() d:callback("value") end)
      assert.equal("in close", h.raised(co.result, co))
    end)
  end)

  describe("refused", function()
    it("4.5 a bad argument is an error at the call, nothing is released", function()
      local pattern = "bad argument #1 to '[%w_.]*noreturn'"
      local co = weir.spawn(function()
        local big = "still here"
        local _ <close> = guard(function() t "closed" end)
        for _, bad in ipairs { 42, "f", {}, true } do
          local ok, err = pcall(weir.noreturn, bad)
          if not ok and err:find(pattern) then t "bad" end
        end
        local ok, err = pcall(weir.noreturn)
        if not ok and err:find(pattern) then t "bad" end
        ok, err = pcall(weir.noreturn, nil, 1)
        if not ok and err:find(pattern) then t "bad" end
        weir.yield()
        t(big)
        return "value"
      end)
      weir.step()
      assert.same({ "bad", "bad", "bad", "bad", "bad", "bad", "still here", "closed" }, t:list())
      assert.equal("value", co:result())
    end)

    it("4.5 inside a <close> handler it is an error at the call, at a block's end, an error and a cancel", function()
      local function try() t(pcall(weir.noreturn, say, "never")) end
      local co = weir.spawn(function()
        do local _ <close> = guard(try) end
        pcall(function()
          local _ <close> = guard(try)
          error "x"
        end)
        t "went on"
        local _ <close> = guard(try)
        weir.await(weir.Deferred())
      end)
      assert.same({ false, false, "went on" }, t:list())
      co:cancel()
      assert.same({ false, false, "went on", false }, t:list())
      assert.equal("cancelled", co:status())
    end)

    it("4.5 inside a handler that a noreturn itself runs it is an error at the call, the first goes on", function()
      weir.spawn(function()
        local _ <close> = guard(function() t(pcall(weir.noreturn, say, "never")) end)
        weir.noreturn(say, "new body")
      end)
      assert.same({ false, "new body" }, t:list())
    end)

    it("4.5 inside a generator it is an error at the call, and the generator goes on", function()
      local co = weir.spawn(function()
        local gen = weir.wrap(function()
          t(pcall(weir.noreturn, say, "never"))
          coroutine.yield("yielded")
        end)
        t(gen())
        return "value"
      end)
      assert.same({ false, "yielded" }, t:list())
      assert.equal("value", co:result())
    end)

    for _, place in ipairs(places) do
      it("3.6 4.5 noreturn raises " .. place[1] .. ", nothing is run or released", function()
        local d = weir.Deferred(function() t "canceller" end)
        place[2](function()
          t(pcall(weir.noreturn, say, "never"))
          t(pcall(weir.noreturn, weir.coroutine(say), "never"))
          t(pcall(weir.noreturn, d))
          t "went on"
        end)
        assert.is_nil(weir.step())
        assert.same({ false, false, false, "went on" }, t:list())
        assert.equal("pending", d:status())
      end)
    end
  end)

  describe("a hop is a wait", function()
    it("4.6 a pending cancel is raised at the call, nothing is released, f is not run", function()
      local co = weir.spawn(function()
        local _ <close> = guard(function() t "closed" end)
        weir.current():cancel("why")
        local ok, err = pcall(weir.noreturn, say, "never")
        t(ok)
        t(err.reason)
        return "success"
      end)
      assert.same({ false, "why", "closed" }, t:list())
      assert.equal("cancelled", co:status())
    end)

    it("4.6 a pending cancel is raised there also where it goes to a Deferred", function()
      local d = weir.Deferred()
      local co = weir.spawn(function()
        weir.current():cancel()
        t(pcall(weir.noreturn, d))
      end)
      assert.same({ false }, t:list())
      assert.equal("cancelled", co:status())
      assert.equal("pending", d:status())
    end)

    it("4.6 a cancel that has been raised is not raised again: the hop is made", function()
      local co = weir.spawn(function()
        weir.current():cancel()
        pcall(weir.noreturn, say, "never")
        weir.noreturn(say, "new body")
      end)
      assert.same({ "new body" }, t:list())
      assert.equal("cancelled", co:status())
    end)

    it("4.6 a pause holds it", function()
      local co = weir.spawn(function()
        weir.current():pause()
        weir.noreturn(function()
          t "new body"
          return "value"
        end)
      end)
      assert.equal("paused", co:status())
      weir.step()
      assert.same({}, t:list())
      co:unpause()
      weir.step()
      assert.same({ "new body" }, t:list())
      assert.equal("value", co:result())
    end)

    it("4.6 a cancel while a pause holds it overrides the pause: f never runs", function()
      local co = weir.spawn(function()
        local _ <close> = guard(function() t "closed" end)
        weir.current():pause()
        weir.noreturn(say, "never")
      end)
      assert.is_true(co:cancel())
      assert.same({ "closed" }, t:list())
      assert.equal("cancelled", co:status())
    end)

    for _, last in ipairs { true, false } do
      it("4.6 a step budget ends at it" .. (last and ", at the end of a body too" or ""), function()
        local co
        local function hop(i)
          t(i)
          if i == 3 then return "end" end
          if last then return weir.noreturn(hop, i + 1) end
          weir.noreturn(hop, i + 1)
          t "never"
        end
        weir.inline(false)
        co = weir.spawn(hop, 1)
        weir.inline(true)
        assert.equal(0, weir.step(0))
        assert.same({ 1 }, t:list())
        assert.equal(0, weir.step(0))
        assert.same({ 1, 2 }, t:list())
        weir.step(0)
        assert.same({ 1, 2, 3 }, t:list())
        assert.equal("end", co:result())
      end)
    end

    it("4.6 a cancel reaches the new body's waits", function()
      local d = weir.Deferred(function() t "canceller" end)
      local co = weir.spawn(function()
        pcall(weir.noreturn, function()
          local ok, err = pcall(weir.await, d)
          t(ok)
          error(err)
        end)
        t "never"
      end)
      co:cancel("why")
      assert.same({ "canceller", false }, t:list())
      assert.equal("cancelled", co:status())
      assert.equal("why", h.raised(co.result, co).reason)
    end)
  end)

  -- A hop by a function that is all there is of the body need not leave the coroutine, see tail.c. What makes it do so
  -- all the same is to make no difference.
  local HOPS = {
    ["in place"] = function(f) f() end,
    ["while resumes are timed"] = function(f)
      weir.timing(true)
      f()
      weir.timing(false)
    end,
    ["under a hook"] = function(f)
      coroutine.wrap(function() -- not the thread of the specs: that may have another's hook
        debug.sethook(function() end, "", 1000)
        f()
      end)()
    end,
    ["within a slice"] = function(f)
      local before = weir.slice(1000000)
      f()
      weir.slice(before)
    end,
  }
  for name, under in pairs(HOPS) do
    describe("noreturn " .. name, function()
      local function spawn(f, ...)
        local co
        local arguments = table.pack(...)
        under(function() co = weir.spawn(f, table.unpack(arguments, 1, arguments.n)) end)
        return co
      end

      it("4.1 never returns, wherever in an expression or statement it is called", function()
        local hops = {
          function(f) return weir.noreturn(f) end,
          function(f) return (weir.noreturn(f)) end,
          function(f) return weir.noreturn(f), t "never" end,
          function(f) return t "never again" or weir.noreturn(f), t "never" end,
          function(f) weir.noreturn(f) t "never" end,
          function(f) if weir.noreturn(f) then t "never" else t "never" end end,
          function(f) if not weir.noreturn(f) then t "never" end end,
          function(f) while weir.noreturn(f) do t "never" end t "never" end,
          function(f) repeat t "never again" until weir.noreturn(f) or t "never" end,
          function(f) for _ in weir.noreturn, f do t "never" end t "never" end,
          function(f) local _ = weir.noreturn(f) == nil and t "never" end,
          function(f) local _ = { weir.noreturn(f), t "never" } end,
          function(f) t(weir.noreturn(f) or "never") end,
          function(f) local _ <close> = guard(function() t "closed" end) return weir.noreturn(f) end,
          function(f) local _ <close> = guard(function() t "closed" end) weir.noreturn(f) t "never" end,
          function(f, ...) return weir.noreturn(f), ... end,
        }
        for i, hop in ipairs(hops) do
          local co = spawn(hop, function() return i end)
          assert.equal(i, co:result())
        end
        assert.same({ "never again", "never again", "closed", "closed" }, t:list())
      end)

      it("4.1 nor as a metamethod, not even one that an instruction calls more than once", function()
        local object = setmetatable({}, {
          __concat = weir.noreturn, __add = weir.noreturn, __lt = weir.noreturn, __le = weir.noreturn,
        })
        local hops = {
          function(f) local _ = f + object t "never" end,
          function(f) return f + object end,
          function(f) if f < object then t "never" end t "never" end,
          function(f) if f <= object then t "never" end t "never" end,
          function(f) local _ = f .. object t "never" end,
          function(f) local _ = "" .. 1 .. f .. object t "never" end,
        }
        for i, hop in ipairs(hops) do
          assert.equal(i, spawn(hop, function(o) assert.equal(object, o) return i end):result())
        end
        assert.same({}, t:list())
      end)

      it("4.1 nor now and then from the end of a function, and now and then not", function()
        local function hop(n)
          if n == 0 then return "end" end
          if n % 3 == 0 then return weir.noreturn(hop, n - 1) end
          weir.noreturn(hop, n - 1)
          t "never"
        end
        assert.equal("end", spawn(hop, 12):result())
        assert.same({}, t:list())
      end)

      it("4.1 f is given its arguments, however many", function()
        for n = 0, 12 do
          local arguments = table.pack(table.unpack({ "a", nil, "c", nil, "e", "f", "g", 8, 9, 10, 11, 12 }, 1, n))
          for _, hop in ipairs {
            function(...) return weir.noreturn(...) end,
            function(...) weir.noreturn(...) t "never" end,
          } do
            local co = spawn(hop, function(...) return table.pack(...) end, table.unpack(arguments, 1, n))
            assert.same(arguments, co:result())
          end
        end
        assert.same({}, t:list())
      end)

      it("4.1 what only the coroutine's own stack held is collectable when f runs, the old body too", function()
        local weak = setmetatable({}, { __mode = "k" })
        local function hold(body)
          local big = {}
          weak[big], weak[body] = true, true
          return big
        end
        for _, last in ipairs { true, false } do
          local function start()
            local body
            body = function(argument)
              local big = hold(body)
              weak[argument] = true
              body = nil
              local function f() return h.released(weak) end
              if last then return weir.noreturn(f) end
              weir.noreturn(f)
              t(big)
            end
            return body
          end
          local co
          under(function() co = weir.spawn(start(), {}) end)
          assert.is_true(co:result())
        end
      end)

      it("4.1 what the old body has caught is let go of", function()
        local weak = setmetatable({}, { __mode = "k" })
        local function fail()
          local err = {}
          weak[err] = true
          return weir.fail(err)
        end
        local co = spawn(function()
          t(pcall(weir.await, fail()) and "never" or "caught")
          return weir.noreturn(function() return h.released(weak) end)
        end)
        assert.is_true(co:result())
        assert.same({ "caught" }, t:list())
      end)

      it("4.1 4.2 hops behind waits, of decorated functions and others in turn", function()
        local gate, b = weir.Deferred()
        local a
        a = weir.coroutine(function(n)
          t("a" .. n)
          weir.await(gate)
          if n == 0 then return "end" end
          return weir.noreturn(b, n - 1)
        end, "first")
        b = function(n)
          t("b" .. n .. tostring(weir.current()):match "'.*'")
          weir.yield()
          if n == 0 then return "end" end
          return weir.noreturn(a, n - 1)
        end
        local co = spawn(a, 4)
        gate:callback()
        under(weir.run)
        assert.equal("end", co:result())
        assert.same({ "a4", "b3'first'", "a2", "b1'first'", "a0" }, t:list())
      end)

      it("4.1 f's error is the failure, its <close> variables are closed", function()
        local co = spawn(function(f) return weir.noreturn(f) end, function()
          local _ <close> = guard(function(_, err) t("closed by " .. err) end)
          error("wrong", 0)
        end)
        assert.same({ false, "wrong" }, { pcall(co.result, co) })
        assert.same({ "closed by wrong" }, t:list())
      end)

      it("4.5 4.6 what is refused or raised there leaves the old body as it was", function()
        local co = spawn(function()
          t(pcall(weir.noreturn))
          t(pcall(weir.noreturn, 1))
          local me = weir.current()
          me:cancel("now")
          local ok, err = pcall(function() return weir.noreturn(say, "never") end)
          t(tostring(ok) .. err.reason)
          return weir.noreturn(function() t "cleanup" end)
        end)
        assert.equal("cancelled", co:status())
        assert.equal("falsenow", t:list()[3])
        assert.equal("cleanup", t:list()[4])
        assert.equal(4, #t:list())
      end)

      it("4.6 a pause holds it", function()
        local co = spawn(function()
          weir.current():pause()
          return weir.noreturn(say, "new body")
        end)
        assert.equal("paused", co:status())
        assert.same({}, t:list())
        co:unpause()
        assert.same({ "new body" }, t:list())
      end)

      it("counts as a switch", function()
        local before = weir.stats().switches
        spawn(function() return weir.noreturn(function() weir.noreturn(function() end) end) end)
        assert.equal(before + 3, weir.stats().switches)
      end)

      it("leaves no hook of its own on a thread", function()
        for _, last in ipairs { true, false } do
          local hooks
          spawn(function()
            if last then return weir.noreturn(function() hooks = table.pack(debug.gethook()) end) end
            weir.noreturn(function() hooks = table.pack(debug.gethook()) end)
          end)
          local plain
          spawn(function() plain = table.pack(debug.gethook()) end)
          assert.same(plain, hooks)
        end
      end)
    end)
  end
end)
