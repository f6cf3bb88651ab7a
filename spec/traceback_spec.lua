-- Contract 8.2, to the line: tracebacks that cross awaits, the reports that carry them; and 3.7, what a deadlock says.
-- What is reported at all, and when, is in failure_spec.lua.
local weir = require "weir"
local h = require "spec.helper"
local frames = require "spec.frames"

local here = frames.here

describe("traceback", function()
  local clock, reports, at, gate
  before_each(function()
    clock, reports, at, gate = h.manual(), h.unhandled(), {}, weir.Deferred()
  end)
  after_each(function()
    gate = nil -- lets go of what still waits
    h.restore()
  end)

  -- Each notes its line and has no tail call, which would leave no frame.
  local function fail()
    at.fail = here(); error("marked", 0)
    return true
  end

  local function inner()
    weir.await(gate)
    at.inner = here(); fail()
    return true
  end

  local function helper(d)
    at.helper = here(); weir.await(d)
    return true
  end

  local function outer(d)
    at.outer = here(); helper(d)
    return true
  end

  local function outermost(d)
    at.outermost = here(); weir.await(d)
    return true
  end

  local function chained(co)
    local d = weir.Deferred()
    co:chain(d)
    return d
  end

  -- The stacks that a failure of `inner` has behind it when outer and outermost have waited.
  local function inner_stack() return { at.fail, at.inner } end
  local function outer_stack() return { at.helper, at.outer } end

  describe("of a failed coroutine", function()
    it("8.2 has the line of the error, of each wait it passed, and of each call between", function()
      local a = weir.spawn(inner)
      local b = weir.spawn(outer, a)
      local c = weir.spawn(outermost, b)
      gate:callback()
      assert.same({ inner_stack() }, frames.of(a:traceback()))
      assert.same({ inner_stack(), outer_stack() }, frames.of(b:traceback()))
      assert.same({ inner_stack(), outer_stack(), { at.outermost } }, frames.of(c:traceback()))
    end)

    it("8.2 has the line of a wait that is a raw yield, though the error is raised behind it", function()
      local co = weir.spawn(function()
        local a = weir.spawn(inner)
        at.yield = here(); coroutine.yield(a)

        return true
      end)
      gate:callback()
      assert.same({ inner_stack(), { at.yield } }, frames.of(co:traceback()))
    end)

    it("8.2 of several waits has the one that raised", function()
      local co = weir.spawn(function()
        weir.await(weir.succeed())
        weir.await(gate)
        weir.yield()
        at.wait = here(); weir.await(weir.spawn(fail))
        weir.await(weir.succeed())
      end)
      gate:callback()
      weir.step()
      assert.same({ { at.fail }, { at.wait } }, frames.of(co:traceback()))
    end)

    it("8.2 a runtime error has its line as error() has", function()
      local co = weir.spawn(function()
        weir.await(gate)
        at.index = here(); gate = gate.no.field
        return true
      end)
      gate:callback()
      assert.same({ { at.index } }, frames.of(co:traceback()))
    end)

    it("8.2 an adoption has no stack, it passes on those that it got", function()
      local a = weir.spawn(inner)
      local b = weir.spawn(outer, a)
      local adopts = weir.spawn(function() return b end)
      local again = weir.spawn(function() return adopts end)
      local c = weir.spawn(outermost, again)
      gate:callback()
      assert.same({ inner_stack(), outer_stack() }, frames.of(again:traceback()))
      assert.same({ inner_stack(), outer_stack(), { at.outermost } }, frames.of(c:traceback()))
    end)

    -- Each makes a Deferred that fails when the Coroutine does.
    local passages = {
      { "a callback that returned it", function(co) return weir.succeed():add_callback(function() return co end) end },
      { "callbacks that it passed over", function(co) return co:add_callback(h.ignore):add_callback(h.ignore) end },
      { "a chain", chained },
      { "a shield", weir.shield },
      { "noreturn", function(co) return weir.spawn(weir.noreturn, co) end },
      { "all", function(co) return weir.all { weir.Deferred(), co } end },
      { "race", function(co) return weir.race { weir.Deferred(), co } end },
      { "map", function(co) return weir.map({ co }, h.ignore) end },
      { "a scope", function(co) return weir.scope(function() return co end) end },
    }
    for _, passage in ipairs(passages) do
      local name, pass = table.unpack(passage)
      it("8.2 a failure keeps its stack through " .. name .. ", fired before or later", function()
        local a = weir.spawn(inner)
        local early = weir.spawn(outer, pass(a))
        gate:callback()
        local late = weir.spawn(outer, pass(a))
        assert.same({ inner_stack(), outer_stack() }, frames.of(early:traceback()))
        assert.same({ inner_stack(), outer_stack() }, frames.of(late:traceback()))
      end)
    end

    it("8.2 an error that an errback raises in its place begins anew, at the errback", function()
      local a = weir.spawn(inner)
      a:add_errback(function() at.errback = here(); error("another", 0) end)
      gate:callback()
      local stacks = frames.of(a:traceback())
      assert.same({ 1, at.errback }, { #stacks, stacks[1][1] })
    end)

    it("8.2 an error that an errback raises again keeps where it came from", function()
      local a = weir.spawn(inner)
      a:add_errback(function(err) error(err, 0) end)
      local co = weir.spawn(outermost, a)
      gate:callback()
      assert.same({ inner_stack() }, { frames.of(co:traceback())[1] })
    end)

    it("8.2 each that awaits a failure late has its own wait behind it, not the other's", function()
      local a = weir.spawn(fail)
      local b, c = weir.spawn(outer, a), weir.spawn(outermost, a)
      assert.same({ { at.fail }, outer_stack() }, frames.of(b:traceback()))
      assert.same({ { at.fail }, { at.outermost } }, frames.of(c:traceback()))
    end)

    it("8.2 from any depth it begins where it failed", function()
      local function nest(n)
        if n == 1 then at.last = here(); fail() end
        at.nest = here(); weir.await(weir.spawn(nest, n - 1))
        return true
      end
      local stacks = frames.of(weir.spawn(nest, 100):traceback())
      assert.same({ at.fail, at.last }, stacks[1])
      assert.same({ at.nest }, stacks[2])
      assert.same({ at.nest }, stacks[#stacks])
      assert.is_true(#stacks >= 50)
    end)
  end)

  describe("of an error that was caught", function()
    it("8.2 and raised again has where it came from, then where it was raised again", function()
      local a = weir.spawn(inner)
      local b = weir.spawn(function()
        local _, err = pcall(weir.await, a)
        at.again = here(); error(err, 0)
      end)
      gate:callback()
      assert.same({ inner_stack(), { at.again } }, frames.of(b:traceback()))
    end)

    it("8.2 and raised again behind other waits has where it came from too", function()
      local a = weir.spawn(fail)
      local b = weir.spawn(function()
        local _, err = pcall(weir.await, a)
        weir.sleep(1)
        at.again = here(); error(err, 0)
      end)
      clock:advance(1)
      assert.same({ { at.fail }, { at.again } }, frames.of(b:traceback()))
    end)

    it("8.2 and handled is not in the traceback of another", function()
      local a = weir.spawn(inner)
      local b = weir.spawn(function()
        pcall(weir.await, a)
        at.another = here(); error("another", 0)
      end)
      gate:callback()
      assert.same({ { at.another } }, frames.of(b:traceback()))
    end)

    local function with_cleanup(f)
      return weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = f })
        at.call = here(); fail()
        return true
      end)
    end

    it("8.2 in the cleanup behind an error is not in that one's traceback", function()
      local co = with_cleanup(function()
        weir.sleep(1)
        pcall(weir.await, weir.spawn(error, "another", 0))
      end)
      clock:advance(1)
      assert.equal("marked", h.raised(co.result, co))
      assert.same({ { at.fail, at.call } }, frames.of(co:traceback()))
    end)

    it("8.2 an error raised by the cleanup has the handler's line", function()
      local co = with_cleanup(function()
        weir.sleep(1)
        at.handler = here(); error("another", 0)
      end)
      clock:advance(1)
      assert.equal("another", h.raised(co.result, co))
      assert.equal(at.handler, frames.of(co:traceback())[1][1])
    end)
  end)

  describe("at the edges of a body", function()
    it("8.2 a generator's failure has its stack, then that of the one that called it", function()
      local co = weir.spawn(function()
        local generator = weir.wrap(inner)
        at.call = here(); generator()
        return true
      end)
      gate:callback()
      assert.same({ inner_stack(), { at.call } }, frames.of(co:traceback()))
    end)

    it("8.2 behind a noreturn the new body's stack is the whole", function()
      local co = weir.spawn(function() weir.noreturn(inner) end)
      gate:callback()
      assert.same({ inner_stack() }, frames.of(co:traceback()))
    end)

    it("8.2 a time limit has the line of the wait that it ended", function()
      local limited = weir.spawn(function()
        at.limit = here(); weir.await(gate, 1)
        return true
      end)
      local co = weir.spawn(outer, weir.Deferred():timeout(1))
      clock:advance(1)
      assert.same({ { at.limit } }, frames.of(limited:traceback()))
      assert.same({ outer_stack() }, frames.of(co:traceback()))
    end)

    it("8.2 a success and a cancel leave no traceback", function()
      local done, cancelled = weir.spawn(outer, weir.succeed()), weir.spawn(outer, gate)
      cancelled:cancel()
      assert.same({ "", "" }, { done:traceback(), cancelled:traceback() })
    end)
  end)

  describe("of a waiting coroutine", function()
    it("8.2 has the lines of its own wait, then of each that waits for it, in that order", function()
      local a = weir.spawn(outer, gate)
      local own = { at.helper, at.outer }
      local b = weir.spawn(outermost, a)
      weir.spawn(function() at.third = here(); coroutine.yield(b) end)
      weir.spawn(function() at.fourth = here(); weir.await(a); return true end)
      assert.same({ own, { at.outermost }, { at.third }, { at.fourth } }, frames.of(a:traceback()))
      assert.same({ { at.outermost }, { at.third } }, frames.of(b:traceback()))
    end)

    it("8.2 reaches those that wait through a callback, a chain, a shield and an adoption", function()
      local a = weir.spawn(outer, gate)
      local own = { at.helper, at.outer }
      local adopts = weir.spawn(function() return a end)
      local ways = { weir.succeed():add_callback(function() return a end), chained(a), weir.shield(a), adopts }
      for i, d in ipairs(ways) do
        weir.spawn(outermost, d)
        assert.same({ at.outermost }, frames.of(a:traceback())[i + 1])
      end
      assert.same(own, frames.of(a:traceback())[1])
      assert.same({ { at.outermost } }, frames.of(adopts:traceback()))
    end)

    it("8.2 goes with it from wait to wait", function()
      local co = weir.spawn(function()
        at.first = here(); weir.await(gate)
        at.second = here(); weir.yield()
        at.third = here(); weir.sleep(1)
        return true
      end)
      assert.same({ { at.first } }, frames.of(co:traceback()))
      gate:callback()
      assert.same({ { at.second } }, frames.of(co:traceback()))
      co:pause()
      assert.same({ { at.second } }, frames.of(co:traceback()))
      co:unpause()
      weir.step()
      assert.same({ { at.third } }, frames.of(co:traceback()))
    end)

    it("8.2 in a generator has the line of the wait there, then that of the call", function()
      local co = weir.spawn(function()
        local generator = weir.wrap(outer)
        at.call = here(); generator(gate)
        return true
      end)
      assert.same({ { at.helper, at.outer }, { at.call } }, frames.of(co:traceback()))
    end)
  end)

  describe("of what nobody handled", function()
    local function assert_reported(...)
      weir.step()
      local expected = { ... }
      assert.equal(#expected, #reports)
      for i, report in ipairs(reports) do
        assert.equal("marked", report.err)
        assert.equal(expected[i].d, report.d)
        assert.same(expected[i].stacks, frames.of(report.traceback))
      end
    end

    it("8.1 is reported once, for the outermost, with all that it passed", function()
      local a = weir.spawn(inner)
      local b = weir.spawn(outer, a)
      local c = weir.spawn(outermost, b)
      gate:callback()
      assert_reported { d = c, stacks = { inner_stack(), outer_stack(), { at.outermost } } }
      assert.equal(c:traceback(), reports[1].traceback)
    end)

    it("8.1 of one that several awaited is reported for each of them, with its own way", function()
      local a = weir.spawn(inner)
      local b, c = weir.spawn(outer, a), weir.spawn(outermost, a)
      gate:callback()
      assert_reported({ d = b, stacks = { inner_stack(), outer_stack() } },
        { d = c, stacks = { inner_stack(), { at.outermost } } })
    end)

    it("8.1 is reported for the Deferred where it ended, with the stacks it brought along", function()
      local other = weir.Deferred()
      local b = weir.spawn(outer, weir.spawn(inner))
      b:add_callback(h.ignore):chain(other)
      gate:callback()
      assert_reported { d = other, stacks = { inner_stack(), outer_stack() } }
    end)

    it("8.1 is reported at its collection with the same traceback", function()
      local function run_and_drop()
        weir.spawn(outer, weir.spawn(inner))
        gate:callback()
      end
      run_and_drop()
      gate = nil
      h.collect()
      assert.equal(1, #reports)
      assert.same({ inner_stack(), outer_stack() }, frames.of(reports[1].traceback))
    end)
  end)

  describe("DeadlockError of run", function()
    -- The lines of its message behind the first; with n the last n, those of the coroutines started last.
    local function listed(err, n)
      local lines = {}
      for line in err.message:gmatch("\n%s*([^\n]+)") do lines[#lines + 1] = line end
      return { table.unpack(lines, n and math.max(1, #lines - n + 1)) }
    end

    local function named(name, f) return weir.coroutine(f, name) end

    it("3.7 has a line for each live coroutine: who it is, its status, what it waits for", function()
      local keeper = named("keeper", outer)(gate)
      local asker = named("asker", outermost)(keeper)
      local main
      local err = h.raised(weir.run, named("main", function()
        main = weir.current()
        weir.await(asker)
      end))
      local lines = listed(err, 3)
      assert.same({ tostring(keeper), tostring(asker), tostring(main) }, lines)
      assert.matches("^Coroutine 'keeper': [^,]+, waits on Deferred: ", lines[1])
      assert.matches("^Coroutine 'asker': [^,]+, waits on Coroutine 'keeper': ", lines[2])
      assert.matches("^Coroutine 'main': [^,]+, waits on Coroutine 'asker': ", lines[3])
      assert.matches("^DeadlockError: [^\n]*Coroutine 'main'", tostring(err))
    end)

    it("3.7 has one whose body has returned what it now waits for", function()
      local adopts = named("adopts", function() return gate end)()
      local message = h.raised(weir.run, weir.await, adopts).message
      assert.matches("waits on Coroutine 'adopts'", message, 1, true)
      assert.matches("\n  " .. tostring(adopts), message, 1, true)
    end)

    it("3.7 has a paused one as paused, and none that has ended", function()
      named("done", h.ignore)()
      local paused = named("paused", outer)(gate):pause()
      named("failed", fail)()
      named("cancelled", outer)(weir.Deferred()):cancel()
      local err = h.raised(weir.run, weir.await, weir.Deferred())
      assert.equal(tostring(paused), listed(err, 2)[1])
      assert.matches("(paused, waits on Deferred: ", tostring(paused), 1, true)
      for _, ended in ipairs { "done", "failed", "cancelled" } do
        assert.is_nil(err.message:find("'" .. ended .. "'", 1, true))
      end
    end)

    it("3.7 has 50 of very many, and says that there are more", function()
      for _ = 1, 100 do weir.spawn(outer, gate) end
      local lines = listed(h.raised(weir.run, weir.await, gate))
      assert.equal(51, #lines)
      assert.equal("...", lines[51])
    end)
  end)
end)
