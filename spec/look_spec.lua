-- Contract 2.11, 3.7: a look at a running program: weir.tasks, weir.tree, weir.graph and why.
-- The hard cases: one that ends while tasks goes on; a chain of a million; circles, through joins too; paused and
-- cancelled at once; <close> handlers; a call from a callback, a hook, the host, a body, a generator, a plain
-- coroutine; names with quotes and line ends; finalizers and threads in other hands. (Memory that gives
-- out: spec/host/memory.c.)
local weir = require "weir"
local core = require "weir.core".functions
local h = require "spec.helper"

local HERE = "spec/look_spec.lua"

-- Times that go by and addresses are not the same every time.
local function plain(text)
  return (text:gsub("0x%x+", "ADDRESS"):gsub("waiting [%d.]+ s", "waiting SOME s"):gsub(" at " .. HERE .. ":%d+", ""))
end

local function tree(options) return plain(weir.tree(options)) end
local function why(d) return plain(d:why()) end

local function lines(...) return table.concat({ ... }, "\n") end

local function waiter(d, name)
  return weir.coroutine(function() weir.await(d) end, name)()
end

local function list()
  local tasks = {}
  for task in weir.tasks() do tasks[#tasks + 1] = task end
  return tasks
end

local function names()
  local found = {}
  for task in weir.tasks() do found[#found + 1] = task.name or "?" end
  return found
end

local function task_of(co)
  for task in weir.tasks() do
    if task.co == co then return task end
  end
end

local function line_here()
  return ("%s:%d"):format(HERE, debug.getinfo(2, "l").currentline)
end

local function end_all()
  for task in weir.tasks() do task.co:close() end
end

describe("look", function()
  local clock

  before_each(function()
    h.clean()
    end_all()
    clock = h.manual()
  end)

  after_each(function()
    end_all()
    h.restore()
  end)

  describe("tasks", function()
    it("2.8 gives all that live in the order of their birth, whatever they do", function()
      local d = weir.Deferred()
      waiter(d, "waiting")
      waiter(d, "paused"):pause()
      weir.coroutine(function() weir.yield() end, "ready")()
      weir.inline(false)
      weir.coroutine(h.ignore, "new")()
      weir.coroutine(h.ignore, "held")():pause()
      weir.inline(true)
      local states = {}
      for task in weir.tasks() do states[#states + 1] = task.name .. " " .. task.status .. " " .. task.state end
      assert.are.same({
        "waiting waiting waiting", "paused paused paused", "ready ready ready", "new ready new", "held paused paused",
      }, states)
    end)

    it("2.8 has nobody who has ended, and who has no body any more", function()
      local d = weir.Deferred()
      weir.spawn(h.ignore)
      weir.spawn(error, "x")
      local adopter = weir.spawn(function() return d end)
      assert.are.same({}, list())
      assert.are.equal("waiting", adopter:status())
      h.clean()
    end)

    it("2.8 says what each is, where it came from and what it waits for", function()
      local d = weir.Deferred()
      local at
      local defined = line_here(); local co = weir.coroutine(function()
        weir.yield()
        at = line_here(); weir.await(d, 7)
      end, "name")()
      weir.step()
      local task = task_of(co)
      assert.are.equal(co, task.co)
      assert.are.equal("name", task.name)
      assert.are.equal(defined, task.started)
      assert.are.equal(at, task.at)
      assert.are.equal(d, task.on)
      assert.are.equal(("Deferred: %p"):format(d), task.waits_on)
      assert.are.equal(2, task.resumes)
      assert.are.equal(7, task.left)
      assert.is_true(task.waited >= 0 and task.waited < 3600)
      assert.is_true(task.age >= task.waited - 1 and task.age < 3600)
      assert.is_nil(task.ran)
    end)

    it("2.8 the numbers ascend, and stay", function()
      local d = weir.Deferred()
      local a, b = waiter(d), waiter(d)
      local first, second = task_of(a).number, task_of(b).number
      assert.is_true(first < second)
      weir.spawn(h.ignore)
      assert.are.equal(first, task_of(a).number)
    end)

    it("2.8 how long it waits is real time, from the step before", function()
      local d = weir.Deferred()
      weir.step()
      local co = waiter(d)
      local ends = os.clock() + 0.1
      repeat until os.clock() > ends
      local waited = task_of(co).waited
      assert.is_true(waited >= 0.05, waited)
      d:callback()
      assert.is_nil(task_of(co))
    end)

    it("2.8 the place is the user's, not one in the library or in C", function()
      local at
      local co = weir.spawn(function()
        local queue = weir.Queue()
        at = line_here(); for _ in queue:iter() do h.ignore() end
      end)
      assert.are.equal(at, task_of(co).at)
    end)

    it("3.6 the place is that in the innermost generator", function()
      local d, at = weir.Deferred(), nil
      local co = weir.spawn(function()
        local outer = weir.wrap(function()
          local inner = weir.wrap(function()
            at = line_here(); weir.await(d)
          end)
          inner()
        end)
        outer()
      end)
      assert.are.equal(at, task_of(co).at)
    end)

    it("4.1 behind a noreturn it is the same task with another body", function()
      local d = weir.Deferred()
      local defined = line_here(); local function second() weir.await(d) end
      local co = weir.spawn(function() weir.noreturn(second) end)
      assert.are.equal(defined, task_of(co).started)
      local number = task_of(co).number
      local held = weir.spawn(function() weir.yield(); weir.noreturn(second) end)
      held:pause()
      weir.step()
      assert.are.equal("paused", task_of(held).state)
      assert.are.equal(number, task_of(co).number)
    end)

    it("2.8 who starts, ends or is cancelled during the loop does not disturb it", function()
      local d = weir.Deferred()
      local all = {}
      for i = 1, 5 do all[i] = waiter(d, tostring(i)) end
      local seen = {}
      for task in weir.tasks() do
        seen[#seen + 1] = task.name
        if task.name == "2" then
          all[1]:cancel()
          all[3]:cancel()
          all[4]:close()
          waiter(d, "late")
          h.collect()
        end
      end
      assert.are.same({ "1", "2", "5" }, seen)
      assert.are.same({ "2", "5", "late" }, names())
    end)

    it("3.8 what only the loop holds lives on in it, and is collected behind it", function()
      local weak = setmetatable({}, { __mode = "k" })
      for _ = 1, 3 do weak[waiter(weir.Deferred())] = true end
      local n = 0
      for task in weir.tasks() do
        h.collect()
        n = n + 1
        assert.are.equal("waiting", task.co:status())
      end
      assert.are.equal(3, n)
      h.collect()
      weir.step()
      assert.is_true(h.released(weak))
    end)

    it("3.9 from a body: itself and its caller", function()
      local states = {}
      weir.coroutine(function()
        weir.coroutine(function()
          for task in weir.tasks() do states[#states + 1] = task.name .. " " .. task.state end
        end, "callee")()
      end, "caller")()
      assert.are.same({ "caller calling", "callee running" }, states)
    end)

    it("2.3 from a callback and a hook: the one that fired runs on", function()
      local states = {}
      local function look()
        for task in weir.tasks() do states[#states + 1] = task.name .. " " .. task.state .. " " .. task.co:why() end
      end
      weir.coroutine(function()
        weir.succeed():add_callback(look)
        weir.Deferred { pause = look }:pause()
        weir.Deferred(look):cancel()
      end, "fires")()
      assert.are.same({ "fires running running", "fires running running", "fires running running" }, states)
    end)

    it("3.6 from a generator and from a plain coroutine inside a body", function()
      local found = {}
      local function look() for task in weir.tasks() do found[#found + 1] = task.state end end
      weir.spawn(function()
        weir.wrap(look)()
        coroutine.wrap(look)()
      end)
      assert.are.same({ "running", "running" }, found)
    end)

    it("5.7 in the <close> handlers of a close, which may not wait", function()
      local found, d = {}, weir.Deferred()
      weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function()
          for task in weir.tasks() do found[#found + 1] = task.state .. ": " .. task.co:why() end
        end })
        weir.await(d)
      end):close()
      assert.are.same({ "closing: cancelled; its <close> handlers run" }, found)
    end)

    it("5.5 in <close> handlers that wait", function()
      local d = weir.Deferred()
      local co = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() weir.await(d) end })
        error("x", 0)
      end)
      assert.are.equal("closing", task_of(co).state)
      assert.are.equal("its <close> handlers run; waiting SOME s for Deferred: ADDRESS (nobody has fired it)", why(co))
      co:cancel()
      h.unhandled()
    end)

    it("8.4 a thread in other hands is passed over", function()
      local thread
      local co = weir.spawn(function()
        thread = coroutine.running()
        weir.await(weir.Deferred())
      end)
      coroutine.close(thread)
      assert.are.same({}, list())
      assert.is_string(co:why())
      assert.is_string(weir.tree { root = co })
      co:close()
    end)

    it("3.8 a finalizer that ends one during the look", function()
      local d = weir.Deferred()
      local all = {}
      for i = 1, 50 do all[i] = waiter(d) end
      local function plant()
        setmetatable({}, { __gc = function()
          local co = table.remove(all)
          if not co then return end
          co:close()
          plant()
        end })
      end
      plant()
      local function set_pause(percent)
        if _VERSION == "Lua 5.4" then
          collectgarbage("setpause", percent)
        else
          collectgarbage("param", "pause", percent)
        end
      end
      set_pause(0)
      local n = 0
      for task in weir.tasks() do
        n = n + #task.status
        weir.tree()
      end
      set_pause(200)
      all = {}
      assert.is_true(n > 0)
    end)
  end)

  describe("tree", function()
    it("2.11 begins with those nobody waits on and shows what they wait for", function()
      local d = weir.Deferred()
      local inner = waiter(d, "inner")
      waiter(inner, "outer")
      assert.are.equal(lines(
        "Coroutine 'outer': ADDRESS (waiting SOME s)",
        "  awaits: Coroutine 'inner': ADDRESS (waiting SOME s)",
        "    awaits: Deferred: ADDRESS (pending)"), tree())
      inner:close()
    end)

    it("2.11 is empty where nobody lives", function()
      assert.are.equal("", weir.tree())
    end)

    it("2.5 a shared wait is shown once and referred to", function()
      local d = weir.Deferred()
      waiter(d, "a")
      waiter(d, "b")
      assert.are.equal(lines(
        "Coroutine 'a': ADDRESS (waiting SOME s)",
        "  awaits: Deferred: ADDRESS (pending) #1",
        "Coroutine 'b': ADDRESS (waiting SOME s)",
        "  awaits: Deferred: ADDRESS, see #1"), tree())
    end)

    it("2.5 everyone is found who waits on the same, coroutine or not", function()
      local d, chained = weir.Deferred(), weir.Deferred()
      local co = waiter(d, "co")
      co:chain(chained)
      local adopting = weir.succeed():add_callback(function() return co end)
      assert.are.equal(lines(
        "Deferred: ADDRESS (pending)",
        "  chained: Coroutine 'co': ADDRESS (waiting SOME s) #1",
        "    awaits: Deferred: ADDRESS (pending)",
        "Deferred: ADDRESS (pending)",
        "  adopts: Coroutine 'co': ADDRESS, see #1"), tree())
      assert.are.equal("pending", adopting:status())
    end)

    it("9.1 joins with their parts and keys, scopes with what they own", function()
      local d = weir.Deferred()
      local all = weir.all { waiter(d, "one"), weir.Deferred(), k = waiter(d, "two") }
      local scope = weir.scope(function(scope)
        scope:spawn(weir.coroutine(function() weir.await(d) end, "child"))
        weir.await(all)
      end)
      assert.are.equal("pending", scope:status())
      assert.are.equal(lines(
        "Deferred: ADDRESS (scope, pending)",
        "  owns: Coroutine: ADDRESS (waiting SOME s)",
        "    awaits: Deferred: ADDRESS (all, pending)",
        "      part 1: Coroutine 'one': ADDRESS (waiting SOME s)",
        "        awaits: Deferred: ADDRESS (pending) #1",
        "      part 2: Deferred: ADDRESS (pending)",
        "      part k: Coroutine 'two': ADDRESS (waiting SOME s)",
        "        awaits: Deferred: ADDRESS, see #1",
        "  owns: Coroutine 'child': ADDRESS (waiting SOME s)",
        "    awaits: Deferred: ADDRESS, see #1"), tree())
    end)

    it("5.3 shields, 7.1 timers with the time left, 6.2 frozen ones", function()
      waiter(weir.shield(clock:after(3)), "shielded")
      local slow = weir.Clock { speed = 2, parent = clock }
      waiter(slow:after(8), "slow")
      slow:pause()
      waiter(weir.after(math.huge), "never")
      weir.coroutine(function() weir.sleep(5) end, "frozen")():pause()
      clock:advance(1)
      assert.are.equal(lines(
        "Coroutine 'shielded': ADDRESS (waiting SOME s)",
        "  awaits: Deferred: ADDRESS (pending)",
        "    shields: Deferred: ADDRESS (due in 2 s)",
        "Coroutine 'slow': ADDRESS (waiting SOME s)",
        "  awaits: Deferred: ADDRESS (due in 8 s on a clock of game time that stands still)",
        "Coroutine 'never': ADDRESS (waiting SOME s)",
        "  awaits: Deferred: ADDRESS (never due)",
        "Coroutine 'frozen': ADDRESS (paused once)",
        "  awaits: Deferred: ADDRESS (frozen with 5 s left)"), tree())
    end)

    it("6.1 who is paused, how often, and because of whom", function()
      local d = weir.Deferred()
      local outer = waiter(waiter(d, "inner"), "outer")
      outer:pause():pause()
      assert.are.equal(lines(
        "Coroutine 'outer': ADDRESS (paused 2 times)",
        "  awaits: Coroutine 'inner': ADDRESS (held, as Coroutine 'outer': ADDRESS is)",
        "    awaits: Deferred: ADDRESS (held, as Coroutine 'inner': ADDRESS is)"), tree())
    end)

    it("2.7 limits: of an await, of a timeout, of a cancel", function()
      local d = weir.Deferred()
      weir.coroutine(function() weir.await(d, 4) end, "await")()
      waiter(d, "timeout"):timeout(3)
      weir.coroutine(function()
        pcall(weir.await, d)
        weir.await(d)
      end, "stubborn")():cancel("reason", 2)
      local text = tree()
      assert.matches("'await': ADDRESS (waiting SOME s, its await ends in 4 s)", text, 1, true)
      assert.matches("'timeout': ADDRESS (waiting SOME s, it times out in 3 s)", text, 1, true)
      assert.matches("'stubborn': ADDRESS (waiting SOME s, cancelled, it is closed in 2 s)", text, 1, true)
    end)

    it("9.3 what they are in line for", function()
      local lock, queue, event, barrier = weir.Lock(), weir.Queue(0), weir.Event(), weir.Barrier(2)
      assert(lock:acquire())
      for _, d in ipairs { lock:acquire(), queue:get(), event:wait(), barrier:wait() } do waiter(d) end
      local found = {}
      for what in tree():gmatch "awaits: Deferred: ADDRESS %((.-), pending%)" do found[#found + 1] = what end
      assert.are.same({ "Lock:acquire", "Queue:get", "Event:wait", "Barrier:wait" }, found)
    end)

    it("3.7 circles are named", function()
      local a, b
      a = weir.coroutine(function() weir.yield(); weir.await(b) end, "a")()
      b = weir.coroutine(function() weir.await(a) end, "b")()
      weir.step()
      assert.are.equal(lines(
        "Coroutine 'a': ADDRESS (waiting SOME s) #1",
        "  awaits: Coroutine 'b': ADDRESS (waiting SOME s)",
        "    awaits: Coroutine 'a': ADDRESS, see #1: a circle"), tree())
      assert.are.equal("waiting SOME s for Coroutine 'b': ADDRESS, which waits for Coroutine 'a': ADDRESS: a circle",
        why(a))
    end)

    it("3.7 circles through joins too", function()
      local a
      a = weir.coroutine(function()
        weir.yield()
        weir.await(weir.all { weir.Deferred(), weir.race { a } })
      end, "a")()
      weir.step()
      assert.are.equal(lines(
        "Coroutine 'a': ADDRESS (waiting SOME s) #1",
        "  awaits: Deferred: ADDRESS (all, pending)",
        "    part 1: Deferred: ADDRESS (pending)",
        "    part 2: Deferred: ADDRESS (race, pending)",
        "      part 1: Coroutine 'a': ADDRESS, see #1: a circle"), tree())
      assert.is_string(why(a))
    end)

    it("5.9 paused and cancelled at once: the cancel shows, no pause does", function()
      local first, second = weir.Deferred(), weir.Deferred()
      local co = weir.coroutine(function()
        pcall(weir.await, first)
        weir.await(second)
      end, "both")()
      co:pause()
      co:cancel("reason", 2)
      assert.are.equal(lines(
        "Coroutine 'both': ADDRESS (waiting SOME s, cancelled, it is closed in 2 s)",
        "  awaits: Deferred: ADDRESS (pending)"), tree())
      assert.are.equal(
        "cancelled; waiting SOME s for Deferred: ADDRESS (nobody has fired it); it is closed in 2 s", why(co))
    end)

    it("2.4 a million deep, with a limit on lines and the number of the rest", function()
      local n = h.scale(1e6)
      local d = weir.Deferred()
      for _ = 1, n do d = waiter(d) end
      local text = weir.tree { lines = 50 }
      assert.are.equal(51, select(2, text:gsub("[^\n]+", "")))
      assert.are.equal(("... and %d more"):format(math.max(0, n + 1 - 50)), text:match "[^\n]*$")
      assert.are.equal(("[%d] "):format(49), text:match "%[49%] ")
      assert.is_true(#text < 20000)
      assert.matches("and so on", d:why())
    end)

    it("2.11 from a root, which may be anything", function()
      local d = weir.Deferred()
      local inner = waiter(d, "inner")
      waiter(inner, "outer")
      assert.are.equal(lines(
        "Coroutine 'inner': ADDRESS (waiting SOME s)",
        "  awaits: Deferred: ADDRESS (pending)"), tree { root = inner })
      assert.are.equal("Deferred: ADDRESS (success)", tree { root = weir.succeed(1) })
      assert.are.equal("Deferred: ADDRESS (pending, 1 callback)", tree { root = weir.Deferred():add_callback(print) })
    end)

    it("2.11 a name with line ends and quotes stays on its line", function()
      waiter(weir.Deferred(), "a\nb'\"\1\r")
      assert.are.equal(lines(
        "Coroutine 'a\\nb'\"\\1\\r': ADDRESS (waiting SOME s)",
        "  awaits: Deferred: ADDRESS (pending)"), tree())
    end)

    it("8.4 wrong options are argument errors at the call", function()
      for _, name in ipairs { "tree", "graph" } do
        for _, bad in ipairs { 1, "x", { lines = 0 }, { lines = 1.5 }, { lines = "1" }, { root = 1 }, { line = 1 } } do
          local err = h.raised(function() local text = weir[name](bad); return text end)
          assert.matches(("^%s:%%d+: bad argument #1 to '%s' %%("):format(HERE, name), err)
        end
      end
    end)

    it("2.11 looking changes nothing: the collector goes on as it was", function()
      waiter(weir.Deferred())
      collectgarbage "stop"
      weir.tree()
      local stopped = not collectgarbage "isrunning"
      collectgarbage "restart"
      weir.tree()
      assert.is_true(stopped)
      assert.is_true(collectgarbage "isrunning")
      h.raised(weir.tree, { lines = 0 })
      assert.is_true(collectgarbage "isrunning")
    end)
  end)

  describe("why", function()
    it("2.11 follows what is waited for, down to the reason", function()
      local inner = weir.coroutine(function() weir.sleep(0.8) end, "inner")()
      local outer = waiter(inner, "outer")
      assert.are.equal(
        "waiting SOME s for Coroutine 'inner': ADDRESS, which waits for Deferred: ADDRESS (due in 0.8 s)", why(outer))
    end)

    it("2.11 knows a reason for each state", function()
      local d = weir.Deferred()
      weir.inline(false)
      local first, second = weir.spawn(weir.yield), weir.spawn(h.ignore)
      weir.inline(true)
      assert.are.equal("not begun, the next to run", why(first))
      assert.are.equal("not begun, one runs before it", why(second))
      second:pause()
      assert.are.equal("paused once", why(second))
      second:unpause()
      weir.step()
      assert.are.equal("ready, the next to run", why(first))
      assert.are.equal("ended: success", why(second))
      assert.are.equal("nobody has fired it", why(d))
      local all = weir.all { d, weir.Deferred(), weir.Deferred(), weir.Deferred(), weir.Deferred() }
      assert.are.equal("all: waiting for Deferred: ADDRESS, Deferred: ADDRESS, Deferred: ADDRESS and 2 more", why(all))
      assert.are.equal("due in 2 s", why(weir.after(2)))
      local failed = weir.fail "x"
      assert.are.equal("ended: failure", why(failed))
      pcall(failed.result, failed)
      local adopter = weir.spawn(function() return d end)
      assert.are.equal("waiting SOME s for Deferred: ADDRESS (nobody has fired it)", why(adopter))
      d:cancel()
      assert.are.equal("ended: cancelled", why(d))
      all:cancel()
      h.clean()
    end)

    it("6.1 an outcome that is held back", function()
      local d = weir.Deferred():pause()
      d:callback()
      assert.are.equal("paused once", why(d))
    end)

    it("8.4 of anything else it is an error at the call", function()
      local why_of = weir.Deferred().why
      for _, bad in ipairs { 1, "x", {}, io.stdout } do
        assert.matches("calling 'why' on bad self %(Deferred expected, got %a+%)", h.raised(why_of, bad))
      end
    end)
  end)

  describe("graph", function()
    it("2.11 is the same as a graph: nodes with labels, edges with kinds", function()
      local d = weir.Deferred()
      local all = weir.all { [1] = waiter(d, 'q"\n\\'), k = weir.shield(d) }
      local co = waiter(all, "main")
      local text = plain(weir.graph()):gsub("spec/look_spec.lua:%d+", "PLACE")
      assert.are.equal(lines(
        "digraph weir {",
        '  node [style=filled, fontname="sans-serif"];',
        '  edge [fontname="sans-serif"];',
        "  n1 [label=\"Coroutine 'main': ADDRESS\\nwaiting SOME s\\nPLACE\", shape=box, fillcolor=lightblue];",
        '  n2 [label="Deferred: ADDRESS\\nall, pending", shape=ellipse, fillcolor=white];',
        "  n1 -> n2;",
        "  n3 [label=\"Coroutine 'q\\\"\\\\n\\\\': ADDRESS\\nwaiting SOME s\\nPLACE\", " ..
          "shape=box, fillcolor=lightblue];",
        '  n2 -> n3 [label="part 1"];',
        '  n4 [label="Deferred: ADDRESS\\npending", shape=ellipse, fillcolor=white];',
        "  n3 -> n4;",
        '  n5 [label="Deferred: ADDRESS\\npending", shape=ellipse, fillcolor=white];',
        '  n2 -> n5 [label="part k"];',
        '  n5 -> n4 [label="shields", style=dashed];',
        "}", ""), text)
      assert.are.equal("waiting", co:status())
    end)

    it("2.11 with a limit it says how many more there are", function()
      local d = weir.Deferred()
      for _ = 1, 10 do d = waiter(d) end
      local text = weir.graph { lines = 3 }
      assert.matches('more [label="8 more"', text, 1, true)
      assert.are.equal(2, select(2, text:gsub("%->", "")))
    end)
  end)
end)

describe("look: the answers of the core", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  it("6.2 nobody holds what one who is free waits on", function()
    local d = weir.Deferred()
    local first, second = waiter(d), waiter(d)
    first:pause()
    assert.is_nil(core.look(d).holder)
    second:pause()
    assert.equal(first, core.look(d).holder)
  end)

  it("3.7 how many run before a coroutine, up to a number", function()
    weir.inline(false)
    local ready, ahead = {}, {}
    for i = 1, 5 do ready[i] = weir.spawn(h.ignore) end
    for i = 1, 5 do ahead[i] = core.ahead(ready[i], 2) end
    assert.same({ 0, 1, 2, 2, 2 }, ahead)
  end)

  it("8.2 a list of what is left begins with the oldest, also with one that waited last", function()
    local d = weir.Deferred()
    local oldest = weir.coroutine(function()
      weir.succeed():add_callback(function()
        for _ = 1, 60 do waiter(d, "child") end
      end)
      weir.await(d)
    end, "oldest")()
    local message = tostring(h.raised(weir.run, weir.await, weir.Deferred()))
    local found = {}
    for name in message:gmatch "\n  Coroutine '(%a+)'" do found[#found + 1] = name end
    assert.equal(50, #found)
    assert.equal("oldest", table.remove(found, 1))
    for _, name in ipairs(found) do assert.equal("child", name) end
    assert.matches("\n  %.%.%.$", message)
    assert.equal("waiting", oldest:status())
  end)
end)
