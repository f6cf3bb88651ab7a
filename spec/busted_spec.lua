-- weir.busted, seen from outside: each spec here writes a file of specs, and has a busted of its own run it.
local weir = require "weir"
local process = require "spec.process"

local HEAD = [[
local weir = require "weir"
local wb = require "weir.busted"
local it, before_each, after_each = wb.it, wb.before_each, wb.after_each
]]

-- What a line of the report says: "1 success / 0 failures / 0 errors / 0 pending : ...".
local function counts(output)
  local passed, failed, erred, pending =
    output:match("(%d+) success%a* / (%d+) failures? / (%d+) errors? / (%d+) pending")
  assert(passed, output)
  return { tonumber(passed), tonumber(failed), tonumber(erred), tonumber(pending) }
end

-- Runs it as a file of specs, whose first line is number 4; returns the output, which must have these counts: passed,
-- failed, erred, pending.
local function suite(source, expected)
  local output = process.busted { HEAD .. source }
  assert.same(expected, counts(output), output)
  return output
end

local function assert_has(output, ...)
  for _, text in ipairs { ... } do
    assert(output:find(text, 1, true), ("no %q in:\n%s"):format(text, output))
  end
end

local function assert_lacks(output, text)
  assert(not output:find(text, 1, true), ("%q in:\n%s"):format(text, output))
end

describe("weir.busted", function()
  it("runs every part of a test in a coroutine", function()
    suite([[
      local log = {}
      local function note() weir.yield(); log[#log + 1] = weir.current() and 1 end
      wb.setup(note) wb.lazy_setup(note) wb.strict_setup(note)
      before_each(note)
      after_each(note)
      wb.teardown(note) wb.lazy_teardown(note) wb.strict_teardown(note)
      it("one", function() note(); finally(note) end)
      wb.spec("two", note)
      wb.test "three" (note)
      it("all", function() assert.equal(14, #log) end)
    ]], { 4, 0, 0, 0 })
  end)

  it("gives each test a clock, which its parts share", function()
    suite([[
      before_each(function() weir.sleep(1) end)
      local at
      after_each(function() weir.sleep(1); at = weir.now() end)
      it("first", function()
        assert.equal(1.0, weir.now())
        weir.sleep(2)
        finally(function() weir.sleep(0.5); assert.equal(3.5, weir.now()) end)
      end)
      it("second", function()
        assert.equal(4.5, at)
        assert.equal(1.0, weir.now())
      end)
    ]], { 2, 0, 0, 0 })
  end)

  it("advances the clock from deadline to deadline, and costs no time", function()
    local before = os.time()
    suite([[
      it("sleeps", function()
        local log = {}
        local function sleeper(name, seconds)
          return weir.spawn(function()
            for _ = 1, 2 do weir.sleep(seconds); log[#log + 1] = name .. weir.now() end
          end)
        end
        local a, b, game = sleeper("a", 1e5), sleeper("b", 1.5e5), weir.Clock { speed = 0.5 }
        game:sleep(2e5)
        weir.sleep(0)
        log[#log + 1] = "me" .. weir.now()
        assert.same({ "success", "success" }, { a:status(), b:status() })
        assert.same({ "a100000.0", "b150000.0", "a200000.0", "b300000.0", "me400000.0" }, log)
      end)
    ]], { 1, 0, 0, 0 })
    assert.is_true(os.time() - before < 3600)
  end)

  it("does not advance the clock while something is ready", function()
    suite([[
      it("yields", function()
        local d = weir.after(1)
        for _ = 1, 1000 do weir.yield() end
        assert.equal("pending", d:status())
        weir.clock():advance(1)
        assert.equal("success", d:status())
      end)
    ]], { 1, 0, 0, 0 })
  end)

  it("shows where an assertion failed, and the stack of the coroutine", function()
    local output = suite([[
      local function deep() weir.yield(); assert.equal(1, 2) end
      it("fails", function()
        weir.sleep(1)
        deep()
        weir.yield()
      end)
    ]], { 0, 1, 0, 0 })
    assert_has(output, ".lua @ 5\nfails\n", ".lua:4: Expected objects to be equal", "in upvalue 'deep'",
      ".lua:7: in function")
    assert_lacks(output, "luassert/")
    assert_lacks(output, "lua/weir/")
  end)

  it("shows an error of any type, where it was raised", function()
    local output = suite([[
      local function deep() weir.yield(); error { code = 42 } end
      it("string", function() weir.yield(); error "oh" end)
      it("table", function()
        deep()
      end)
      it("of weir", function() weir.await(weir.Deferred(), 1) end)
      it("nil", function() weir.yield(); error(nil) end)
    ]], { 0, 0, 4, 0 })
    assert_has(output, ".lua:5: oh\nstack traceback", ".lua:4: {\n  code = 42\n}\nstack traceback", "in upvalue 'deep'",
      ".lua:9: TimeoutError: timed out\nstack traceback", ".lua:10: ")
  end)

  it("shows the awaits that an error came through", function()
    local output = suite([[
      local inner = weir.coroutine(function() weir.sleep(1); error "lost" end)
      it("fails", function()
        weir.await(inner())
      end)
    ]], { 0, 0, 1, 0 })
    assert_has(output, ".lua:4: lost", ".lua:4: in function", "awaited by:", ".lua:6: in function")
  end)

  it("knows pending, from inside a body too", function()
    local output = suite([[
      it("waits for better times", function()
        weir.yield()
        pending "later"
      end)
      pending("not yet")
    ]], { 0, 0, 0, 2 })
    assert_has(output, ".lua @ 6\nwaits for better times\n", ".lua:6: later")
  end)

  it("runs what is given to finally, whatever has become of the body", function()
    local output = suite([[
      local log = ""
      it("fails", function()
        finally(function() weir.sleep(1); log = log .. "1" end)
        error "oh"
      end)
      it("fails in it", function()
        finally(function() weir.sleep(1); log = log .. "2"; error "there" end)
      end)
      it("has run", function() assert.equal("12", log) end)
    ]], { 1, 0, 2, 0 })
    assert_has(output, ".lua:7: oh", ".lua:10: there")
  end)

  it("fails for a failure that nobody handled", function()
    local output = suite([[
      it("spawns", function()
        weir.spawn(function() weir.yield(); error("unseen", 0) end)
        weir.sleep(1)
      end)
      it("fires", function() weir.Deferred():errback "unheard" end)
      it("goes on", function() end)
      it("handles", function() weir.fail("heard"):add_errback(function() end) end)
    ]], { 2, 2, 0, 0 })
    assert_has(output, ".lua:4: nobody handled: unseen\nstack traceback", ".lua:5: in function",
      "nobody handled: unheard")
  end)

  it("tells of such a failure beside that of the body", function()
    local output = suite([[
      it("fails", function()
        weir.spawn(error, "the cause", 0)
        assert.is_true(false)
      end)
    ]], { 0, 1, 0, 0 })
    assert_has(output, "Expected objects to be", "nobody handled: the cause")
  end)

  it("does not tell of the failure of the body itself, nor of a cancel", function()
    local output = suite([[
      it("fails", function() weir.yield(); error "oh" end)
      it("is cancelled", function() weir.spawn(weir.await, weir.Deferred()):cancel() end)
    ]], { 1, 0, 1, 0 })
    assert_lacks(output, "nobody handled")
  end)

  it("fails for coroutines left behind, and says which, what they wait for, and where", function()
    local output = suite([[
      it("leaves two", function()
        weir.coroutine(function()
          weir.await(weir.Deferred())
        end, "forgotten")()
        weir.every(1, function() end)
        weir.spawn(weir.sleep, 1)
        weir.sleep(5)
      end)
    ]], { 0, 1, 0, 0 })
    assert_has(output, ".lua:4: left behind by 'leaves two': Coroutine 'forgotten': ", "(waiting, waits on Deferred: ",
      ".lua:6: in function", "left behind by 'leaves two': Coroutine 'every': ")
    assert.equal(2, select(2, output:gsub("left behind by", "")))
  end)

  it("lists ten of them", function()
    local output = suite([[
      it("leaves many", function()
        for _ = 1, 13 do weir.spawn(weir.await, weir.Deferred()) end
      end)
    ]], { 0, 1, 0, 0 })
    assert.equal(10, select(2, output:gsub("left behind by", "")))
    assert_has(output, "and 3 more")
  end)

  it("ends what was left behind before the next test, by a cancel, or by force", function()
    suite([[
      local log, kept = {}, nil
      it("leaves two", function()
        kept = weir.spawn(function()
          local _, err = pcall(weir.await, weir.Deferred())
          weir.yield()
          log[#log + 1] = err.reason
        end)
        weir.spawn(function()
          local _ <close> = setmetatable({}, { __close = function() log[#log + 1] = "closed" end })
          while true do pcall(weir.sleep, 60) end
        end)
      end)
      it("is alone", function()
        assert.same({ "left behind", "closed" }, log)
        assert.equal("cancelled", kept:status())
      end)
    ]], { 1, 1, 0, 0 })
  end)

  it("lets what the body, or before_each, has started go on until after_each and finally have run", function()
    suite([[
      local server, client, log = nil, nil, ""
      before_each(function() server = weir.spawn(weir.await, weir.Deferred()) end)
      describe("inside", function()
        after_each(function() log = log .. server:status() .. " "; server:cancel() end)
        it("has both", function()
          client = weir.spawn(weir.sleep, 60)
          finally(function() log = log .. client:status() .. " "; client:cancel() end)
        end)
      end)
      after_each(function() log = log .. server:status() .. " "; weir.sleep(1) end)
      it("looks", function()
        assert.equal("waiting waiting cancelled ", log)
        server:cancel()
      end)
    ]], { 2, 0, 0, 0 })
  end)

  it("tells in the last part that is to come, of which test it was", function()
    local output = suite([[
      describe("a group", function()
        before_each(function() weir.spawn(weir.await, weir.Deferred()) end)
        it("forgets it", function() end)
        after_each(function() weir.yield() end)
      end)
    ]], { 1, 0, 1, 0 })
    assert_has(output, ".lua:7: left behind by 'a group forgets it': Coroutine: ")
  end)

  it("says nothing of what is left where the test has failed anyway", function()
    local output = suite([[
      after_each(function() weir.yield() end)
      it("fails", function() weir.spawn(weir.await, weir.Deferred()); error "oh" end)
    ]], { 0, 0, 1, 0 })
    assert_lacks(output, "left behind")
  end)

  it("lets what setup has started live until teardown", function()
    suite([[
      local server
      wb.setup(function() server = weir.spawn(weir.await, weir.Deferred()) end)
      wb.teardown(function() assert.equal("waiting", server:status()); server:cancel() end)
      it("is there", function() assert.equal("waiting", server:status()) end)
    ]], { 1, 0, 0, 0 })
  end)

  it("fails at once for a body that can never end", function()
    local output = suite([[
      it("waits", function()
        weir.await(weir.Deferred())
      end)
      it("is paused", function() weir.current():pause(); weir.yield() end)
      it("comes too", function() end)
    ]], { 1, 2, 0, 0 })
    assert_has(output, ".lua:4: Coroutine 'waits': ", "(waiting, waits on Deferred: ",
      ") can never end\nstack traceback", ".lua:5: in function", "(paused) can never end")
  end)

  it("fails for one that takes too long, and ends it", function()
    local output = suite([[
      local quick, log, cleaned = wb { limit = 0.01 }, "", nil
      quick.it("yields", function()
        local _ <close> = setmetatable({}, { __close = function() cleaned = true end })
        while true do weir.yield() end
      end)
      quick.it("swallows", function() while true do pcall(weir.yield) end end)
      quick.it("ticks", function()
        local ticks = weir.every(1, function() end)
        finally(function() ticks:cancel() end)
        weir.await(weir.Deferred())
      end)
      quick.it("plays ping-pong", function()
        local a, b = weir.Queue(), weir.Queue()
        local function play(from, to) for ball in from:iter() do to:put(ball) end end
        local one, two = weir.spawn(play, a, b), weir.spawn(play, b, a)
        finally(function() one:cancel(); two:cancel() end)
        a:put "ball"
        weir.await(weir.Deferred())
      end)
      it("comes too", function() assert.is_true(cleaned) end)
    ]], { 1, 4, 0, 0 })
    assert.equal(4, select(2, output:gsub("has not ended within 0%.01 seconds\nstack traceback", "")))
  end)

  it("keeps the settings of a test to itself, from part to part", function()
    suite([[
      local function report() end
      local clock = weir.Clock()
      before_each(function()
        weir.grace(1)
        weir.inline(false)
        weir.debug(true)
        weir.clock(clock)
        weir.on_unhandled(report)
      end)
      it("has them", function()
        assert.equal(report, weir.on_unhandled(report))
        assert.equal(1.0, weir.grace(2))
        assert.is_false(weir.inline(false))
        assert.is_true(weir.debug())
        assert.equal(clock, weir.clock())
      end)
      require "busted".it("has not", function()
        assert.is_nil(weir.on_unhandled(nil))
        assert.equal(5.0, weir.grace(5))
        assert.is_true(weir.inline(true))
        assert.is_false(weir.debug())
        assert.is_true(weir.now() > 0)
      end)
    ]], { 2, 0, 0, 0 })
  end)

  it("restores them behind an error and a late end, too", function()
    suite([[
      it("raises", function() weir.grace(1); error "oh" end)
      it("never ends", function() weir.grace(1); weir.await(weir.Deferred()) end)
      require "busted".it("has not", function() assert.equal(5.0, weir.grace(5)) end)
    ]], { 1, 1, 1, 0 })
  end)

  it("runs on the real clock", function()
    local output = suite([[
      local real = wb { clock = "real", limit = 0.2 }
      real.it("sleeps", function()
        local before = weir.now()
        weir.sleep(0.01)
        assert.is_true(weir.now() - before >= 0.01)
        assert.is_true(before > 1)
      end)
      real.it("never ends", function() weir.await(weir.Deferred()) end)
      real.it("leaves one", function() weir.every(0.01, function() end) end)
      real.it("fails", function() weir.spawn(error, "unseen", 0); weir.yield() end)
    ]], { 1, 3, 0, 0 })
    assert_has(output, "'never ends'", "has not ended within 0.2 seconds",
      "left behind by 'leaves one': Coroutine 'every'", "nobody handled: unseen")
  end)

  it("runs by a loop of the user's", function()
    suite([[
      local calls = 0
      local looped = wb { run = function(...) calls = calls + 1; return weir.run(...) end }
      looped.before_each(function() weir.yield() end)
      looped.it("counts", function() assert.equal(2, calls) end)
    ]], { 1, 0, 0, 0 })
  end)

  it("stands where the spec has written it, and looks like busted's own", function()
    local output = suite([[
      it "called" (function() error("oh", 0) end)
      it(function() error("nameless", 0) end)
    ]], { 0, 0, 2, 0 })
    assert_has(output, ".lua @ 4\ncalled\n", ".lua:4: oh", ".lua:5: nameless")
  end)

  it("refuses parts inside of parts", function()
    local output = suite([[
      it("outer", function() it("inner", function() end) end)
      it("describes", function() describe("inner", function() end) end)
    ]], { 0, 0, 2, 0 })
    assert_has(output, "'it' inside of a test", "'describe' not supported inside current context block")
  end)

  it("counts no test twice when before_each fails", function()
    local output = suite([[
      describe("a group", function()
        before_each(function() weir.spawn(weir.await, weir.Deferred()); error "not ready" end)
        after_each(function() weir.yield() end)
        it("does not run", function() assert(false) end)
      end)
      it("runs", function() assert.equal(0.0, weir.now()) end)
    ]], { 1, 0, 1, 0 })
    assert_has(output, ".lua:5: not ready")
    assert_lacks(output, "left behind")
  end)

  it("works in every file of a suite, and where a helper has loaded it", function()
    local output = process.busted({ HEAD .. [[
      it("is here", function() weir.spawn(weir.await, weir.Deferred()) end)
      after_each(function() weir.yield() end)
    ]], HEAD .. [[
      after_each(function() weir.yield() end)
      it("is there", function() weir.spawn(weir.await, weir.Deferred()) end)
    ]] }, "--helper=weir.busted")
    assert.same({ 2, 0, 2, 0 }, counts(output), output)
    assert_has(output, "left behind by 'is here'", "left behind by 'is there'")
  end)

  it("refuses options that it does not know", function()
    for _, case in ipairs {
      { "", "table expected" }, { "{ clok = 1 }", "unknown option 'clok'" },
      { "{ clock = 'fast' }", "clock must be 'manual' or 'real'" }, { "{ limit = 0 }", "limit must be a time above 0" },
      { "{ limit = 'x' }", "limit must be a time above 0" }, { "{ run = 1 }", "function expected" },
    } do
      local output = process.busted { HEAD .. "wb(" .. case[1] .. ")" }
      assert_has(output, "bad argument #1 to 'busted' (" .. case[2])
    end
  end)
end)

describe("track", function()
  local core, h = require "weir.core".functions, require "spec.helper"
  after_each(function() core.track(nil) end)

  it("has the coroutines that are made, in their order, until their bodies end", function()
    local made, d = {}, weir.Deferred()
    assert.is_nil(core.track(made))
    local one, two = weir.spawn(weir.await, d), weir.coroutine(weir.await, "two")(d)
    weir.spawn(math.abs, 1)
    assert.is_true(made[one] < made[two])
    assert.equal(made, core.track(made))
    two:cancel()
    assert.same({ [one] = made[one] }, made)
    assert.equal(made, core.track(nil))
    weir.spawn(weir.await, d)
    assert.same({ [one] = made[one] }, made)
    d:callback()
  end)

  it("holds them against the collector, and no longer than that", function()
    local made, weak = {}, setmetatable({}, { __mode = "k" })
    core.track(made)
    local function spawn(...) weak[weir.spawn(...)] = true end
    spawn(weir.await, weir.Deferred())
    spawn(function() return {} end)
    h.collect()
    assert.same({ "waiting" }, { next(weak):status(), (next(weak, (next(weak)))) })
    made[next(made)] = nil
    h.clean()
    assert.is_true(h.released(weak))
  end)
end)
