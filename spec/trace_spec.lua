-- weir.trace: what stands in the file, and that nothing that becomes of the file hurts the program.
local h = require "spec.helper"
local process = require "spec.process"
local trace = require "spec.trace"
local weir = require "weir"

local spawn, await = weir.spawn, weir.await

local function named(name, f) return weir.coroutine(f, name) end

-- A value whose handler calls f.
local function closing(f) return setmetatable({}, { __close = f }) end

describe("trace", function()
  local clock
  before_each(function()
    h.unhandled()
    h.collect()
    weir.step()
    clock = h.manual()
  end)
  after_each(h.restore)

  -- The numbers of tracks are those of births: they go on from what has been before.
  local function story(f)
    local first = weir.stats().spawned
    local list = trace.story(trace.of(f))
    for i, line in ipairs(list) do
      list[i] = line:gsub("(%a+)=(%d+)", function(key, n)
        return (key == "by" or key == "track") and tonumber(n) > 0 and key .. "=#" .. n - first
      end)
    end
    return list
  end

  local function flows(f) return trace.flows(trace.of(f)) end

  describe("the story", function()
    it("is all that happens, in that order", function()
      assert.same({
        "a: start by=0", "host [ spawn", "host ] spawn",
        "a [", "b: start by=#1", "a ]",
        "b [", "b ]", "b: wait on=Deferred: ADDRESS",
        "a [", "a ]", "a: wait on=b track=#2",
        "b: wake", "host [ fire", "host ] fire",
        "b [", "b: finish how=success", "a: wake", "b ]",
        "a [", "a: finish how=success", "a ]",
      }, story(function()
        local gate = weir.Deferred()
        named("a", function()
          await(named("b", function() await(gate) end)())
        end)()
        gate:callback()
      end))
    end)

    it("has what a pause does to whom", function()
      local gate, a = weir.Deferred(), nil
      assert.same({
        "a: pause", "b: pause", "a: unpause", "b: unpause",
        "b: wake", "host [ fire", "host ] fire",
        "b [", "b: finish how=success", "a: wake", "b ]",
        "a [", "a: finish how=success", "a ]",
      }, { table.unpack(story(function()
        a = named("a", await)(named("b", await)(gate))
        a:pause()
        gate:callback()
        a:pause()
        a:unpause()
        a:unpause()
      end), 13) })
    end)

    it("has what a cancel does to whom, and why", function()
      local list = story(function()
        local a = named("a", await)(named("b", await)(weir.Deferred()))
        named("c", a.cancel)(a, "no more")
      end)
      assert.same({
        "c [", "a: cancel by=#3 reason=no more", "b: cancel by=#3 reason=no more", "b: wake with=an error",
        "c: finish how=success", "c ]",
        "b [", "b: finish how=cancelled", "a: wake with=an error", "b ]",
        "a [", "a: finish how=cancelled", "a ]",
      }, { table.unpack(list, 16) })
    end)

    it("has how a body ended: an error, another's outcome", function()
      local gate = weir.Deferred()
      assert.same({
        "a: start by=0", "host [ spawn", "host ] spawn", "a [", "a: finish error=no good how=failure", "a ]",
        "b: start by=0", "host [ spawn", "host ] spawn", "b [", "b: finish how=adopts on=Deferred: ADDRESS", "b ]",
      }, story(function()
        named("a", function() error("no good", 0) end)()
        named("b", function() return gate end)()
      end))
    end)

    for where, hop in pairs {
      ["from below a handler"] = function(f)
        local _ <close> = closing(h.ignore)
        weir.noreturn(f)
      end,
      ["as the last act of a body"] = function(f) return weir.noreturn(f) end,
    } do
      it("has a noreturn " .. where .. ", and slices by the name of the body that runs", function()
        assert.same({
          "a: start by=0", "host [ spawn", "host ] spawn",
          "a [", "a ]", "a: noreturn",
          "a [ close", "a ] close",
          "a [ b", "a: finish how=success", "a ] b",
        }, story(function() named("a", hop)(named("b", h.ignore)) end))
      end)
    end

    it("has who is closed in the slice of who closes", function()
      assert.same({
        "b [", "a: cancel by=#2", "a [ close", "a ] close", "a: finish how=cancelled",
        "b: finish how=success", "b ]",
      }, { table.unpack(story(function()
        local a = named("a", function()
          local _ <close> = closing(h.ignore)
          weir.sleep(1)
        end)()
        named("b", a.close)(a)
      end), 10) })
    end)

    it("has slices of one that is preempted, and a limit that ends it", function()
      local list = story(function()
        local a = named("a", function()
          weir.current():slice(1000)
          while true do end
        end)()
        weir.step()
        a:limit { instructions = 0 }
        weir.step()
      end)
      assert.same({
        "a [", "a ]", -- to be resumed at once, and counted from there
        "a [", "a ]", "a: preempted", "a [", "a ]", "a: preempted",
        "a [", "a: finish how=failure", "a ]",
      }, { table.unpack(list, 4) })
    end)

    it("has waits of every kind", function()
      local list = story(function()
        named("a", function() coroutine.yield(weir.Deferred()) end)()
        named("a", function() weir.sleep(1) end)()
        named("a", function() await(weir.all { weir.Deferred() }) end)()
        named("a", function() await(weir.shield(weir.Deferred())) end)()
        named("a", function() await(weir.Deferred(), 1) end)()
        named("a", function() weir.wrap(function() await(weir.Deferred()) end)() end)()
      end)
      local waits = {}
      for _, line in ipairs(list) do waits[#waits + 1] = line:match "wait on=(.*)" end
      assert.same({ "Deferred: ADDRESS", "timer: ADDRESS", "parts: ADDRESS", "Deferred: ADDRESS", "Deferred: ADDRESS",
        "Deferred: ADDRESS" }, waits)
    end)

    it("has what the collector found", function()
      local list = story(function()
        named("lost", function() await(weir.Deferred()) end)()
        h.collect()
        weir.step()
      end)
      local own = {} -- there may be others
      for _, line in ipairs(list) do own[#own + 1] = line:match "^lost.*" end
      assert.same({ "lost: collected", "lost: cancel by=0 reason=collected", "lost: wake with=an error", "lost [",
        "lost: finish how=cancelled", "lost ]" }, { table.unpack(own, 5) })
    end)

    it("is whole while bodies, handlers and callbacks raise", function()
      local events = trace.of(function()
        local gate = weir.Deferred():add_callback(function() error "in a callback" end)
        for i = 1, 4 do
          named("a", function()
            local _ <close> = closing(function()
              if i % 2 == 0 then error "in a handler" end
              weir.sleep(1)
            end)
            if i > 2 then await(gate) end
            error "in a body"
          end)()
        end
        gate:callback()
        clock:advance(1)
        weir.step()
      end)
      local finished = 0
      for _, event in ipairs(events) do
        if event.name == "finish" then finished = finished + 1 end
      end
      assert.equal(4, finished)
    end)

    it("is whole while others resume and close what is weir's", function()
      trace.of(function()
        local thread
        spawn(function() thread = coroutine.running(); weir.yield() end)
        coroutine.close(thread)
        spawn(function() thread = coroutine.running(); await(weir.Deferred()) end)
        coroutine.resume(thread)
        weir.step()
        spawn(function()
          local co = coroutine.create(function() coroutine.yield() end)
          coroutine.resume(co)
          coroutine.wrap(function() pcall(await, weir.Deferred()) end)()
        end)
      end)
    end)
  end)

  it("is whole for random programs, and they do what they do without", function()
    local path = os.tmpname()
    local output, ok = process.run(([[
      local weir = require "weir"
      arg = { "%d", "1" }
      weir.trace %q
      weir.timing(true)
      weir.debug { report = function() end }
      dofile "spec/model/fuzz.lua"
    ]]):format(h.scale(300), path))
    assert.is_true(ok, output)
    trace.read(path)
  end)

  describe("a flow", function()
    it("leads from a fire to the resume that comes of it", function()
      assert.same({ "host > a", "host > b", "host > c", "c > a", "c > b" }, flows(function()
        local gate = weir.Deferred()
        named("a", await)(gate)
        named("b", await)(gate)
        named("c", gate.callback)(gate)
      end))
    end)

    it("leads from the end of a body to who awaits it, and from a callback's slice", function()
      assert.same({ "host > a", "host > b", "host > c", "host > a", "a > c", "a > b" }, flows(function()
        local gate, other = weir.Deferred(), weir.Deferred()
        local a = named("a", await)(gate)
        named("b", await)(a)
        named("c", await)(other)
        a:add_callback(function() other:callback() end)
        gate:callback()
      end))
    end)

    it("leads from a timer to who slept, and to what was held from who lets it go", function()
      assert.same({ "host > a", "host > a" }, flows(function()
        named("a", weir.sleep)(1)
        clock:advance(1)
      end))
      assert.same({ "host > a", "host > b", "host > c", "c > a" }, flows(function()
        local gate = weir.Deferred()
        local a = named("a", await)(gate)
        a:pause()
        named("b", function() gate:callback() end)()
        named("c", function() a:unpause() end)()
      end))
    end)

    it("leads nowhere when the one that is woken is closed before it runs", function()
      assert.same({ "host > a", "host > b", "b > nothing" }, flows(function()
        local gate = weir.Deferred()
        local a = named("a", await)(gate)
        named("b", function() gate:callback(); a:close() end)()
      end))
    end)

    it("of a start leads to the first resume, wherever that is", function()
      assert.same({ "host > a", "a > b", "a > c" }, flows(function()
        named("a", function()
          named("b", h.ignore)()
          weir.Deferred():add_callback(named("c", h.ignore)):callback()
        end)()
      end))
    end)
  end)

  describe("names", function()
    local function name_of(name)
      local names = {}
      for track, found in pairs(trace.names(trace.of(named(name, h.ignore)))) do
        if track ~= 0 then names[#names + 1] = found end
      end
      assert.equal(1, #names)
      return names[1]
    end

    it("come through as they are", function()
      for _, name in ipairs { 'qu"ote', "back\\slash", "new\nline\ttab\r\b\f\1\31\127", "</script>", "é€𝄞", "%s %d" } do
        assert.equal(name, name_of(name))
      end
    end)

    it("that are no UTF-8 come as Latin-1, byte by byte", function()
      local CASES = { ["\xff"] = "ÿ", ["\xc3"] = "Ã", ["\xe9t\xe9"] = "été", ["\xc0\x80"] = "À\u{80}",
        ["\xed\xa0\x80"] = "í\u{a0}\u{80}", ["\xf4\x90\x80\x80"] = "ô\u{90}\u{80}\u{80}", ["\xe2\x82"] = "â\u{82}",
        ["\xf0\x8f\xbf\xbf"] = "ð\u{8f}¿¿", ["\xf5"] = "õ" }
      for name, expected in pairs(CASES) do assert.equal(expected, name_of(name)) end
    end)

    it("are cut where they are long, between characters", function()
      assert.equal(("x"):rep(120), name_of(("x"):rep(1000)))
      assert.equal("x" .. ("é"):rep(60), name_of("x" .. ("é"):rep(1000)))
      assert.equal(120, utf8.len(name_of(("\1"):rep(1000))))
    end)

    it("are the place of the body where there is none", function()
      local line = debug.getinfo(1, "l").currentline + 1
      local events = trace.of(function() spawn(function() weir.yield() end); spawn(h.ignore); spawn(type, 1) end)
      local list = {}
      for track, name in pairs(trace.names(events)) do list[#list + 1] = { track, name } end
      table.sort(list, function(a, b) return a[1] < b[1] end)
      assert.equal("host", list[1][2])
      assert.matches("trace_spec%.lua:" .. line .. "$", list[2][2])
      assert.matches("helper%.lua:%d+$", list[3][2])
      assert.equal("[C]", list[4][2])
    end)
  end)

  describe("begins", function()
    it("in a coroutine with what is resumed from then on", function()
      local path = os.tmpname()
      named("a", function()
        weir.trace(path)
        named("b", h.ignore)()
        weir.yield()
      end)()
      weir.step()
      weir.trace()
      assert.same({ "b: start by=0", "host [ spawn", "host ] spawn", "b [", "b: finish how=success", "b ]",
        "a [", "a ]", "a [", "a: finish how=success", "a ]" }, (function()
        local list = trace.story(trace.read(path))
        return list
      end)())
    end)

    it("in a coroutine that is timed with the resume under way", function()
      local path = os.tmpname()
      weir.timing(true)
      named("a", function()
        weir.trace(path)
        weir.Deferred():callback()
      end)()
      weir.trace()
      assert.same({ "a [", "a: finish how=success", "a ]" }, trace.story(trace.read(path)))
    end)

    it("with what waits already, by its name", function()
      local gate = weir.Deferred()
      named("a", await)(gate)
      local line = debug.getinfo(1, "l").currentline + 1
      spawn(function() await(gate) end)
      local names = {}
      for _, name in pairs(trace.names(trace.of(function() gate:callback() end))) do names[#names + 1] = name end
      table.sort(names)
      assert.equal("a", names[1])
      assert.equal("host", names[2])
      assert.matches("trace_spec%.lua:" .. line .. "$", names[3])
    end)

    it("anew, and the one before is whole", function()
      local one, two = os.tmpname(), os.tmpname()
      assert.is_false(weir.trace(one))
      named("a", function()
        assert.is_true(weir.trace(two))
        weir.yield()
      end)()
      weir.step()
      assert.is_true(weir.trace())
      assert.is_false(weir.trace())
      assert.same({ "a: start by=ANY", "host [ spawn", "host ] spawn", "a [", "a ]" }, (function()
        local list = trace.story(trace.read(one))
        list[1] = list[1]:gsub("by=%d+", "by=ANY")
        return list
      end)())
      assert.same({ "a [", "a ]", "a [", "a: finish how=success", "a ]" }, trace.story(trace.read(two)))
    end)

    it("not, where the file cannot be opened or the argument is wrong", function()
      assert.equal("cannot write '/nowhere/at/all' (No such file or directory)",
        (h.raised(weir.trace, "/nowhere/at/all"):gsub("^.-: ", "")))
      assert.is_false(weir.trace())
      local path = os.tmpname()
      local file = io.open(path, "w")
      file:close()
      assert.matches("bad argument #1 .*the file is closed", h.raised(weir.trace, file))
      for _, wrong in ipairs { 1, true, {}, h.ignore, weir.Deferred(), coroutine.create(h.ignore) } do
        assert.matches("bad argument #1 .*%(string or file expected, got ", h.raised(weir.trace, wrong))
      end
      weir.trace(path)
      assert.is_false(pcall(weir.trace, {}))
      assert.is_true(weir.trace())
      trace.read(path)
    end)
  end)

  describe("ends", function()
    it("in the coroutine that is traced: its slice ends there", function()
      local path = os.tmpname()
      weir.trace(path)
      named("a", function()
        weir.trace()
        named("b", h.ignore)()
        weir.yield()
      end)()
      weir.step()
      assert.same({ "a: start by=0", "host [ spawn", "host ] spawn", "a [", "a ]" }, trace.story(trace.read(path)))
    end)

    it("in a handler, a callback, a generator: slices within each other end there", function()
      for _, where in ipairs { "handler", "callback", "generator", "end", "hop" } do
        local path = os.tmpname()
        weir.trace(path)
        local a = named("a", function()
          local _ <close> = closing(function() if where == "handler" or where == "hop" then weir.trace() end end)
          if where == "hop" then weir.noreturn(h.ignore) end
          weir.sleep(1)
        end)()
        local b = named("b", function()
          if where == "generator" then weir.wrap(function() weir.trace() end)() end
          if where == "callback" then weir.Deferred():add_callback(function() weir.trace() end):callback() end
          a:close()
          weir.yield()
        end)()
        b:add_callback(function() weir.trace() end)
        weir.step()
        assert.is_false(weir.trace())
        trace.read(path)
        assert.same({}, (function() -- and nothing is left open
          local list = trace.flows(trace.of(function() weir.Deferred():callback() end))
          return list
        end)())
      end
    end)

    it("and timing goes on", function()
      weir.timing(true)
      local path = os.tmpname()
      weir.trace(path)
      local a = named("a", weir.yield)()
      weir.trace()
      local ran = weir.stats().ran
      weir.step()
      assert.is_true(ran > 0 and weir.stats().ran > ran)
      assert.equal("success", a:status())
      trace.read(path)
    end)
  end)

  -- ---- the file ----

  -- What a program prints that begins a trace: PATH is the file, which is returned too, as a path.
  local function run(program)
    local path = os.tmpname()
    local output, ok = process.run(('local weir, PATH = require "weir", %q\n%s'):format(path, program))
    return output, ok, path
  end

  describe("a file", function()
    local LIVES = [[
      weir.coroutine(function()
        local _ <close> = setmetatable({}, { __close = function() weir.Deferred():callback() end })
        weir.sleep(1)
      end, "a")()
    ]]

    it("that is weir's own is whole when the state is closed, to the end", function()
      local output, ok, path = run("weir.trace(PATH)\n" .. LIVES)
      assert.same({ "", true }, { output, ok })
      local list = trace.story(trace.read(path))
      assert.same({ "a: cancel by=0", "a [ close", "a ] close", "a: finish how=cancelled" }, { table.unpack(list, 7) })
    end)

    it("of the program's is whole when the state is closed, and it stays open before", function()
      local output, ok, path = run([[
        local file = io.open(PATH, "w")
        weir.trace(file)
        weir.spawn(function() end)
        weir.trace()
        print(io.type(file))
        file:seek "set"
        weir.trace(file)
        FILE = file
      ]] .. LIVES)
      assert.same({ "file\n", true }, { output, ok })
      assert.same({ "a [", "a ]", "a: wait on=timer: ADDRESS" }, { table.unpack(trace.story(trace.read(path)), 4) })
    end)

    it("that is closed ends the trace, with one word, and the program goes on", function()
      local output, ok, path = run [[
        local file = io.open(PATH, "w")
        weir.trace(file)
        local a = weir.coroutine(function()
          file:close()
          for i = 1, 1000 do weir.yield() end
          return "the end"
        end)
        print(weir.run(a), weir.trace())
        file = io.open(PATH, "w")
        weir.trace(file)
        file:close()
        print(weir.trace())
        print(weir.trace())
      ]]
      assert.same({ "weir: the trace is not whole: its file was closed\nthe end\tfalse\n"
        .. "weir: the trace is not whole: its file was closed\ntrue\nfalse\n", true }, { output, ok })
      os.remove(path)
    end)

    it("that is forgotten is kept, and closed when it is not needed", function()
      local weak = setmetatable({}, { __mode = "v" })
      local path = os.tmpname()
      weak[1] = io.open(path, "w")
      weir.trace(weak[1])
      h.collect()
      named("a", h.ignore)()
      assert.is_not_nil(weak[1])
      weir.trace()
      assert.is_true(h.released(weak))
      assert.equal(6, #trace.story(trace.read(path)))
    end)

    it("on a disk that is full ends the trace, with one word, and the program goes on", function()
      local output, ok, path = run [[
        weir.trace "/dev/full"
        print(weir.run(function()
          for i = 1, 10000 do weir.yield() end
          return "the end"
        end))
        print(weir.trace())
        weir.trace "/dev/full"
        weir.spawn(function() end)
        print(weir.trace())
        weir.trace(io.open("/dev/full", "w"))
        weir.spawn(function() end)
      ]]
      local word = "weir: the trace%s is not whole: No space left on device\n"
      local own = word:format " into '/dev/full'"
      assert.same({ own .. "the end\nfalse\n" .. own .. "true\n" .. word:format "", true }, { output, ok })
      os.remove(path)
    end)

    it("is a beginning of JSON when the process is killed", function()
      local _, ok, path = run [[
        weir.trace(PATH)
        weir.run(function()
          for i = 1, 5000 do weir.yield() end
          local file = io.open("/proc/self/stat")
          os.execute("kill -9 " .. file:read "n")
        end)
      ]]
      assert.is_not_true(ok)
      local events = trace.parse(trace.text(path) .. "]")
      trace.check(events)
      assert.is_true(#events > 1000)
    end)

    it("takes a million events through a bounded buffer", function()
      local n, path = h.scale(1e6), os.tmpname()
      local pipe = io.popen(("wc -l >%s"):format(path), "w")
      weir.trace(pipe)
      spawn(function() for _ = 1, n do weir.yield() end end)
      for _ = 1, n do weir.step() end
      weir.trace()
      pipe:close()
      local others = 3 + 3 + 1 + 1 + 1 + 1 -- [ and two names, a start with slice and flow, the name, its end, finish, ]
      assert.equal(others + n + 1, tonumber(trace.text(path)))
    end)

    -- Kilobytes that the process has had at most.
    local PEAK = [[
      local function peak()
        local file = io.open("/proc/self/status")
        local text = file and file:read "a" or ""
        return tonumber(text:match "VmHWM:%s*(%d+)" or 0)
      end
      local function grown(f, n)
        f(1000)
        local before = peak()
        f(n)
        return peak() - before
      end
      weir.trace "/dev/null"
      weir.timing(true)
    ]]

    it("costs constant memory along a noreturn", function()
      local output = run(PEAK .. ([[
        local function hop(n) if n > 0 then weir.noreturn(hop, n - 1) end end
        print(grown(function(n) weir.run(weir.coroutine(hop), n) end, %d) < 1024)
      ]]):format(h.scale(300000)))
      assert.equal("true\n", output)
    end)

    it("costs constant memory while coroutines come and go, end, fail, are closed, cancelled or lost", function()
      local output = run(PEAK .. ([[
        weir.on_unhandled(function() end)
        local gate = weir.Deferred()
        local function all_kinds(n)
          for i = 1, n do
            weir.spawn(function() end)
            weir.spawn(error)
            weir.spawn(weir.await, gate):close()
            weir.spawn(weir.await, weir.Deferred()):cancel()
            weir.spawn(function() weir.await(weir.Deferred()) end)
            weir.spawn(function() weir.noreturn(function() return gate end) end):cancel()
            if i %% 100 == 0 then weir.step() end
          end
        end
        all_kinds(%d) -- until Lua's own heap has its size
        print(grown(all_kinds, %d) < 2048)
      ]]):format(h.scale(60000), h.scale(30000)))
      assert.equal("true\n", output)
    end)
  end)
end)
