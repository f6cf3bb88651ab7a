--- What Lock and a Semaphore of one permit promise to those who hold it, as specs: release, <close> and run.
local busted = require "busted"
local weir = require "weir"
local h = require "spec.helper"
local line = require "spec.line"

local assert, describe, it = busted.assert, busted.describe, busted.it

local permits = {}

local function pack_result(co) return table.pack(co:result()) end

--- Wrong values of self: no Lock, Semaphore, Queue ... at all. `others` are some of them, of another kind.
function permits.each_wrong_self(check, others)
  for _, value in ipairs { 1, "x", true, {}, io.stdout, weir.Deferred(), weir.Clock(), table.unpack(others) } do
    check(value)
  end
  check(nil)
end

--- The methods of o raise on each wrong self, naming themselves, and leave o as it is.
function permits.check_self(o, names, others)
  local before = tostring(o)
  for _, name in ipairs(names) do
    permits.each_wrong_self(function(value)
      assert.matches("calling '" .. name .. "' on bad self", h.raised(o[name], value, h.ignore), 1, true)
    end, others)
  end
  assert.are.equal(before, tostring(o))
end

--- tostring(o) names kind, address and state; returns the state.
function permits.state(o, kind)
  local address, state = tostring(o):match("^" .. kind .. ": (%S+) %((.+)%)$")
  assert.is_string(address, tostring(o))
  return state, address
end

--- The specs of one kind; new() gives one with its permit free.
function permits.specs(name, new)
  local clock, t, o, reports

  busted.before_each(function()
    clock, t = h.manual(), h.trace()
    reports = h.unhandled()
    o = new()
  end)
  busted.after_each(h.restore)

  local function release() o:release() end

  local function assert_free()
    local first, second = o:acquire(), o:acquire()
    assert.are.same({ "success", "pending" }, { first:status(), second:status() })
    second:cancel()
    release()
  end

  local function assert_reported(...)
    local errors = {}
    weir.step()
    h.collect()
    for i, report in ipairs(reports) do errors[i] = report.err end
    assert.are.same({ ... }, errors)
  end

  describe("acquire and release", function()
    it("9.3 acquire gives the object itself, and nothing else", function()
      assert.are.same({ o, n = 1 }, pack_result(o:acquire()))
      local waiting = o:acquire()
      release()
      assert.are.same({ o, n = 1 }, pack_result(waiting))
    end)

    it("9.3 an acquired one is taken until it is released", function()
      o:acquire()
      local second = o:acquire()
      assert.are.equal("pending", second:status())
      release()
      assert.are.equal("success", second:status())
      release()
      assert_free()
    end)

    it("9.3 a release too many raises at the call and changes nothing", function()
      for _ = 1, 2 do
        local err = h.raised(function() o:release() end)
        assert.matches("^%S*permits%.lua:%d+: .*release", err)
        assert_free()
      end
      o:acquire()
      release()
      assert.is_string(h.raised(release))
      assert_free()
    end)

    it("9.3 a release too many with held and with cancelled waiters raises too", function()
      o:acquire()
      local held, left = o:acquire():pause(), o:acquire()
      left:cancel()
      release()
      assert.is_string(h.raised(release))
      held:unpause()
      assert.are.equal("success", held:status())
    end)

    it("9.3 one at a time is inside, and those who come again wait for the others", function()
      local function work(i)
        for round = 1, 2 do
          local _ <close> = weir.await(o:acquire())
          t(i .. " in " .. round)
          weir.sleep(1)
          t(i .. " out")
        end
      end
      for i = 1, 3 do weir.spawn(work, i) end
      clock:advance(10)
      assert.are.same({ "1 in 1", "1 out", "2 in 1", "2 out", "3 in 1", "3 out",
        "1 in 2", "1 out", "2 in 2", "2 out", "3 in 2", "3 out" }, t:list())
      assert_free()
    end)

    it("6.1 a holder that is held keeps it", function()
      local co = weir.spawn(function()
        local _ <close> = weir.await(o:acquire())
        weir.sleep(1)
        t "first"
      end)
      line.told(t, "second", o:acquire())
      co:pause()
      clock:advance(5)
      assert.are.same({}, t:list())
      co:unpause()
      clock:advance(1)
      assert.are.same({ "first", "second" }, t:list())
    end)

    it("9.3 may be released by another than who acquired it", function()
      weir.spawn(function() weir.await(o:acquire()) end)
      weir.spawn(release)
      assert_free()
    end)

    it("8.4 a wrong self is an argument error", function()
      permits.check_self(o, { "acquire", "release", "run" }, { weir.Queue(), weir.Event(), weir.Barrier(1) })
    end)

    it("2.11 tostring names kind, address and state", function()
      local free, address = permits.state(o, name)
      o:acquire()
      local taken, same = permits.state(o, name)
      o:acquire()
      assert.are.equal(address, same)
      assert.are_not.equal(address, select(2, permits.state(new(), name)))
      assert.are_not.equal(free, taken)
      release()
      assert.are.equal(taken, (permits.state(o, name)))
    end)
  end)

  describe("<close>", function()
    local function holding(f)
      return weir.spawn(function()
        local got <close> = weir.await(o:acquire())
        assert.are.equal(o, got)
        return f()
      end)
    end

    it("9.3 releases at the end of the block: return, error", function()
      assert.are.equal("v", holding(function() return "v" end):result())
      assert_free()
      local co = holding(function() error("e", 0) end)
      assert.are.equal("e", h.raised(co.result, co))
      assert_free()
    end)

    it("9.3 releases at every turn of a loop, and in the host", function()
      h.inside(function()
        for i = 1, 3 do
          local _ <close> = weir.await(o:acquire())
          if i == 3 then break end
        end
      end)
      assert_free()
      do local _ <close> = o:acquire():result() end
      assert_free()
    end)

    it("5.5 releases at a cancel, behind what was opened later", function()
      local co = holding(function()
        local _ <close> = line.on_close(function() weir.sleep(1) end)
        weir.await(weir.Deferred())
      end)
      co:cancel()
      assert.are.equal("pending", o:acquire():status())
      clock:advance(1)
      release()
      assert_free()
    end)

    it("5.7 releases at a close, 4.1 and before the new body of a noreturn", function()
      assert.is_true(holding(function() weir.await(weir.Deferred()) end):close())
      assert_free()
      local co = holding(function() weir.noreturn(function() return o:acquire():status() end) end)
      assert.are.equal("success", co:result())
      release()
      assert_free()
    end)

    it("9.3 hands over to the first in line", function()
      local co = holding(function() weir.await(weir.Deferred()) end)
      for i = 1, 2 do line.told(t, i, o:acquire()) end
      co:cancel()
      assert.are.same({ 1 }, t:list())
    end)

    it("9.3 of one that was released by hand is a release too many", function()
      local co = holding(release)
      assert.matches("release", h.raised(co.result, co))
      assert_free()
    end)
  end)

  describe("run", function()
    -- A body that holds it until `gate` fires, and writes what it sees.
    local function holder(gate)
      return function()
        t "in"
        local ok, v = pcall(weir.await, gate)
        t(ok and v or v.name)
        return v
      end
    end

    local function in_line(f)
      o:acquire()
      return o:run(f or function() t "ran" end)
    end

    it("9.3 calls f with the arguments while it holds, and gives its values", function()
      local co = o:run(function(...) t(o:acquire():cancel()); return ... end, 1, nil, 3, nil)
      assert.are.same({ 1, nil, 3, nil, n = 4 }, pack_result(co))
      assert.are.same({ true }, t:list())
      assert_free()
      assert.are.same({ n = 0 }, pack_result(o:run(h.ignore)))
    end)

    it("3.1 is a Coroutine, f runs in one", function()
      local co = o:run(function() return weir.current() ~= nil end)
      assert.are.equal("", co:traceback())
      assert.is_true(co:result())
    end)

    it("9.3 an error of f is its failure, the very one", function()
      local mine = {}
      local co = o:run(function() error(mine) end)
      assert_free()
      assert.is_true(rawequal(mine, h.raised(co.result, co)))
    end)

    it("8.1 an error of f that nobody handles is reported once", function()
      o:run(function() error("e", 0) end)
      assert_reported("e")
    end)

    it("9.3 waits in the line, first in, first out", function()
      o:acquire()
      for i = 1, 3 do
        o:run(function() t("run " .. i) end)
        o:acquire():add_callback(function() t(i); release() end)
      end
      assert.are.same({}, t:list())
      release()
      assert.are.same({ "run 1", 1, "run 2", 2, "run 3", 3 }, t:list())
      assert_free()
    end)

    it("9.3 holds it while f waits", function()
      local gate = weir.Deferred()
      local co = o:run(holder(gate))
      line.told(t, "next", o:acquire())
      assert.are.same({ "in" }, t:list())
      gate:callback("v")
      assert.are.same({ "in", "v", "next" }, t:list())
      assert.are.equal("v", co:result())
    end)

    it("9.3 holds it until a Deferred that f returned has ended, and takes its outcome", function()
      local good, bad = weir.Deferred(), weir.Deferred()
      local first = o:run(function() return good end)
      local second = o:run(weir.coroutine(function() return (weir.await(bad)) end))
      local third = o:acquire()
      good:callback("v")
      assert.are.same({ "success", "waiting", "pending" }, { first:status(), second:status(), third:status() })
      assert.are.equal("v", first:result())
      bad:errback("e")
      assert.are.equal("e", h.raised(second.result, second))
      assert.are.equal("success", third:status())
    end)

    it("5.2 a cancel reaches a Deferred that f returned", function()
      local d = weir.Deferred()
      local co = o:run(function() return d end)
      assert.is_true(co:cancel("why"))
      assert.are.equal("why", h.raised(d.result, d).reason)
      assert.are.equal("cancelled", co:status())
      assert_free()
    end)

    it("9.3 f may be any callable; what is none is an argument error and takes nothing", function()
      local callable = setmetatable({}, { __call = function(_, v) return v end })
      assert.are.equal("v", o:run(callable, "v"):result())
      for _, wrong in ipairs { 1, "x", {}, weir.Deferred(), false } do
        local err = h.raised(function() o:run(wrong) end)
        assert.matches("permits%.lua:%d+: bad argument #1 to 'run'", err)
      end
      assert.matches("bad argument #1 to 'run'", h.raised(function() o:run() end), 1, true)
      assert_free()
    end)

    it("9.3 cancelled in the line: f is never called, nothing is taken", function()
      local co = in_line()
      local next_one = o:run(function() t "next" end)
      assert.is_true(co:cancel())
      assert.are.equal("cancelled", co:status())
      release()
      assert.are.same({ "next" }, t:list())
      assert.are.equal("success", next_one:status())
      assert_free()
    end)

    it("5.5 cancelled while it holds: f sees it, and holds until its cleanup has ended", function()
      local co = o:run(function()
        local _ <close> = line.on_close(function() weir.sleep(1); t "cleaned" end)
        weir.await(weir.Deferred())
      end)
      line.told(t, "next", o:acquire())
      assert.is_true(co:cancel())
      assert.are.same({}, t:list())
      clock:advance(1)
      assert.are.same({ "cleaned", "next" }, t:list())
      assert.are.equal("cancelled", co:status())
      release()
      assert_free()
    end)

    it("5.8 cancelled between its turn and its run: f is called, its first wait is struck, it is released", function()
      local co = in_line(holder(weir.Deferred()))
      line.before_they_run(function() release(); t(co:cancel()) end)
      assert.are.same({ true, "in", "CancelledError" }, t:list())
      assert.are.equal("cancelled", co:status())
      assert_free()
    end)

    it("5.9 cancelled before its first instruction: nothing is taken", function()
      weir.succeed():add_callback(function()
        t(o:run(function() t "ran" end):cancel())
      end)
      assert.are.same({ true }, t:list())
      assert_free()
    end)

    it("3.2 called in a callback it runs in its turn", function()
      local co
      weir.succeed():add_callback(function() co = o:run(function() return "v" end); t(co:status()) end)
      assert.are.same({ "ready" }, t:list())
      assert.are.equal("v", co:result())
      assert_free()
    end)

    it("2.7 timed out in the line or while it holds", function()
      local co = in_line():timeout(1)
      clock:advance(1)
      assert.are.equal("TimeoutError", h.raised(co.result, co).name)
      release()
      assert_free()
      co = o:run(holder(weir.Deferred())):timeout(1)
      clock:advance(1)
      assert.are.equal("TimeoutError", h.raised(co.result, co).name)
      assert.are.same({ "in", "CancelledError" }, t:list())
      assert_free()
    end)

    it("5.7 closed in the line, while it holds, and between its turn and its run", function()
      local co = in_line()
      assert.is_true(co:close())
      release()
      assert_free()
      assert.is_true(o:run(holder(weir.Deferred())):close())
      assert_free()
      co = in_line()
      line.before_they_run(function() release(); t(co:close()) end)
      assert.are.same({ "in", true }, t:list())
      assert_free()
    end)

    it("6.1 held in the line it is passed over, held while it holds it keeps it", function()
      local gate = weir.Deferred()
      local co = in_line(holder(gate))
      line.told(t, "passed it", o:acquire())
      co:pause()
      release()
      co:unpause()
      release()
      co:pause()
      line.told(t, "behind it", o:acquire())
      gate:callback("v")
      assert.are.same({ "passed it", "in" }, t:list())
      co:unpause()
      assert.are.same({ "passed it", "in", "v", "behind it" }, t:list())
    end)

    it("4.1 a noreturn in f gives it back", function()
      local co = o:run(function() weir.noreturn(function(v) return v end, "v") end)
      assert.are.equal("v", co:result())
      assert_free()
    end)

    it("3.8 collected while it holds, it gives it back", function()
      o:run(function() weir.await(weir.Deferred()) end)
      line.told(t, "next", o:acquire())
      h.collect()
      weir.step()
      assert.are.same({ "next" }, t:list())
    end)

    it("5.6 one that does not heed the cancel is closed behind its grace, and gives it back", function()
      local co = o:run(function()
        while true do pcall(weir.await, weir.Deferred()) end
      end)
      co:cancel(nil, 3)
      line.told(t, "next", o:acquire())
      clock:advance(2)
      assert.are.same({}, t:list())
      clock:advance(1)
      assert.are.same({ "next" }, t:list())
    end)

    it("8.1 nothing is reported for one that was cancelled", function()
      local co = in_line()
      co:cancel()
      release()
      o:run(holder(weir.Deferred())):cancel()
      assert_reported()
    end)
  end)
end

return permits
