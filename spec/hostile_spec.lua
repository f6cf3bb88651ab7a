-- A script that means harm and has nothing but Lua: whatever it does is an error of Lua at worst. What could end the
-- process runs in one of its own. Out of reach is only what the debug library takes apart in any C library: registry,
-- upvalues of C functions, user values. See badinput_spec for wrong arguments and foreign hands on our threads.
local weir = require "weir"
local core = require "weir.core".functions
local h = require "spec.helper"
local process = require "spec.process"
local assert_works = require "spec.works"

local ENDED = { success = true, failure = true, cancelled = true }

-- The program prints "survived" as its last act and ends by itself; a crash would be a signal.
local function survives(program, status)
  local output, _, how, number = process.run(program)
  assert.are.equal("exit", how, output)
  assert.are.equal(status or 0, number, output)
  assert.matches("survived", output)
end

describe("hostile: the library's own functions", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  -- Kept away from: what waits, and what changes the settings of all specs.
  local SKIPPED = { trace = true, run = true, on_unhandled = true, inline = true, debug = true, track = true,
    on_yield = true, mark_library = true, on_work = true, clock = true, grace = true, slice = true, step = true,
    mail_file = true }

  local function victims()
    local join, settled = core.join(), weir.succeed("v", "w")
    core.follow(join, weir.Deferred(), h.ignore, 1)
    return { 1, "x", {}, io.stdout, h.ignore, weir.Deferred(), settled, join, core.claim { h.ignore },
      weir.spawn(weir.await, weir.Deferred()), core.prepare(h.ignore), weir.Clock(), coroutine.create(h.ignore),
      weir.after(1, "v"), weir.Deferred { cancel = h.ignore } }
  end

  it("8.4 survive every argument, in the host and in a coroutine", function()
    for name, f in pairs(core) do
      if not SKIPPED[name] then
        local n = #victims()
        pcall(f)
        for i = 1, n do
          local list = victims()
          for j = 1, n + 1 do
            pcall(f, list[i], list[j], h.ignore, 1, true)
            weir.spawn(pcall, f, list[i], list[j], list[i])
          end
          for _, x in ipairs(list) do
            if weir.is_deferred(x) then x:cancel() end
          end
        end
        h.collect()
        weir.step()
      end
    end
    assert_works()
  end)
end)

describe("hostile: metatables", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  it("8.4 ours on other userdata makes no Deferred of it", function()
    local file = assert(io.tmpfile())
    local own = debug.getmetatable(file)
    finally(function() debug.setmetatable(file, own) end)
    for _, x in ipairs { weir.Deferred(), weir.spawn(weir.await, weir.Deferred()), weir.Clock() } do
      debug.setmetatable(file, debug.getmetatable(x))
      assert.is_false(weir.is_deferred(file))
      for _, f in ipairs { x.status, x.cancel, x.pause, x.close, x.callback, x.now, x.pause, tostring } do
        assert.is_string(h.raised(f, file, 1))
      end
    end
    debug.setmetatable(file, own)
    assert_works()
  end)

  it("8.4 others on ours, while it is waited for: who waits is told all the same", function()
    local first, second = weir.Deferred(), weir.Deferred()
    local co = weir.spawn(weir.await, first)
    local waiter = weir.spawn(weir.await, co)
    local callback = first.callback
    debug.setmetatable(co, debug.getmetatable(first))
    debug.setmetatable(second, nil)
    assert.is_false(weir.is_deferred(co))
    assert.is_false(weir.is_deferred(second))
    assert.is_string(h.raised(callback, second, 1))
    callback(first, "v")
    assert.are.equal("v", waiter:result())
    h.collect()
    assert_works()
  end)

  it("8.4 without a finalizer a lost coroutine is never found, and harms nobody", function()
    for _ = 1, 20 do
      debug.setmetatable(weir.spawn(weir.await, weir.Deferred()), nil)
    end
    h.collect()
    weir.step()
    assert_works()
  end)

  it("8.4 finalizers called by hand, early and often", function()
    local d = weir.Deferred()
    local co = weir.spawn(weir.await, d)
    local clock = weir.Clock()
    local timer = clock:after(1, "v")
    for _ = 1, 3 do
      pcall(debug.getmetatable(co).__gc, co)
      pcall(debug.getmetatable(clock).__gc, clock)
      pcall(debug.getmetatable(co).__gc, clock)
      pcall(debug.getmetatable(clock).__gc, co)
    end
    weir.step()
    pcall(clock.advance, clock, 2)
    d:callback("v")
    weir.step()
    assert.is_true(ENDED[co:status()], co:status())
    timer:add_errback(h.ignore)
    assert_works()
  end)

  it("8.4 methods replaced in what all Deferreds share", function()
    local methods = debug.getmetatable(weir.Deferred()).__index
    local saved = {}
    for name, f in pairs(methods) do saved[name] = f end
    finally(function() for name, f in pairs(saved) do methods[name] = f end end)
    for name in pairs(saved) do methods[name] = error end
    local ok, err = pcall(weir.all, { weir.after(1, "v"), weir.spawn(weir.sleep, 1) })
    assert.is_true(ok, err)
    weir.clock():advance(1)
    for name, f in pairs(saved) do methods[name] = f end
    assert.are.same({ "success" }, { err:status() })
    assert_works()
  end)
end)

describe("hostile: from inside", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  -- Each calls f where somebody else's call is not over.
  local places = {
    ["a message handler of an error"] = function(f) xpcall(error, f) end,
    ["__gc"] = function(f)
      setmetatable({}, { __gc = f })
      h.collect()
    end,
    ["__close"] = function(f)
      local _ <close> = setmetatable({}, { __close = f })
    end,
    ["a count hook"] = function(f)
      debug.sethook(function()
        debug.sethook()
        f()
      end, "", 1)
      for _ = 1, 10 do h.ignore() end
      debug.sethook()
    end,
    ["an allocation of a call"] = function(f)
      setmetatable({}, { __gc = f })
      collectgarbage("step", 1000)
      for _ = 1, 50 do weir.Deferred() end
    end,
    ["__index of the options"] = function(f)
      weir.Deferred(setmetatable({}, { __index = f, __pairs = f }))
    end,
    ["__tostring of the reason"] = function(f)
      local d = weir.Deferred()
      d:cancel(setmetatable({}, { __tostring = function() f() return "x" end }))
      tostring(select(2, pcall(d.result, d)))
    end,
    ["__name that is none"] = function(f)
      pcall(weir.await, setmetatable({}, { __name = {}, __tostring = f, __call = f }))
    end,
    ["the report of a failure"] = function(f)
      local old = weir.on_unhandled(function() f() end)
      weir.fail("x")
      h.collect()
      pcall(weir.step)
      weir.on_unhandled(old)
    end,
    ["a read of a clock's options"] = function(f)
      weir.Clock(setmetatable({}, { __index = f }))
    end,
  }

  local deeds = {
    raise = function() error(setmetatable({}, { __tostring = error })) end,
    yield = function() coroutine.yield() end,
    ["yield a Deferred"] = function(x) coroutine.yield(x.d) end,
    await = function(x) weir.await(x.d) end,
    noreturn = function() weir.noreturn(h.ignore) end,
    fire = function(x) x.d:callback("v") end,
    cancel = function(x) x.co:cancel() end,
    close = function(x) x.co:close() end,
    ["close the thread"] = function(x)
      -- In a late finalizer another coroutine may run on it. In Lua 5.5 that would close itself there, and the
      -- collector would stay stopped for good.
      if coroutine.status(x.thread) == "suspended" then coroutine.close(x.thread) end
    end,
    ["resume the thread"] = function(x) coroutine.resume(x.thread) end,
    collect = function() collectgarbage() end,
    step = function() weir.step() end,
    run = function() weir.run(h.ignore) end,
    ["pause and unpause"] = function(x) x.co:pause():unpause() end,
    ["an unpause too many"] = function(x) x.co:unpause() end,
    spawn = function() weir.spawn(weir.yield) end,
  }

  local function victim()
    local x = { d = weir.Deferred() }
    x.co = weir.spawn(function()
      x.thread = coroutine.running()
      return (weir.await(x.d))
    end)
    return x
  end

  for name, place in pairs(places) do
    it("8.4 every deed in " .. name .. ", from the host and from a coroutine", function()
      for _, deed in pairs(deeds) do
        for _, start in ipairs { pcall, weir.spawn } do
          local x = victim()
          start(place, function() deed(x) return nil end)
          weir.step()
          weir.step()
          if x.co:status() == "waiting" then x.d:callback("v") end
          weir.step()
          assert.is_true(ENDED[x.co:status()], x.co:status())
          assert.is_nil(weir.current())
        end
      end
      h.collect()
      weir.step()
      assert_works()
    end)
  end

  it("8.4 resurrected in __gc, again and again: cancelled once, and usable", function()
    local kept = {}
    local function lose()
      local cleaned = {}
      local d = weir.Deferred()
      local co = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() cleaned[#cleaned + 1] = true end })
        weir.await(d)
      end)
      local box = setmetatable({ co = co, d = d, cleaned = cleaned }, { __gc = function(self)
        kept[#kept + 1] = self
        setmetatable(self, getmetatable(self))
      end })
      co:add_both(function() return box end)
    end
    for _ = 1, 5 do lose() end
    for _ = 1, 4 do
      h.collect()
      weir.step()
    end
    assert.is_true(#kept >= 5)
    for _, box in ipairs(kept) do
      pcall(box.d.callback, box.d, "v")
      assert.is_true(ENDED[box.co:status()], box.co:status())
      assert.are.equal(1, #box.cleaned)
    end
    assert_works()
  end)
end)

describe("hostile: size", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  local HUGE = 250000 -- values: near the limit of a Lua stack, a million slots

  it("8.4 huge counts of arguments and results work, or are an error", function()
    local n = h.scale(HUGE)
    local many = {}
    for i = 1, n do many[i] = i end
    local function all() return table.unpack(many) end
    for _, f in ipairs {
      function() return weir.spawn(function(...) return ... end, all()) end,
      function() return weir.coroutine(function(...) weir.yield() return ... end)(all()) end,
      function() return weir.succeed(all()) end,
      function() return weir.Deferred():callback(all()) end,
      function() return weir.succeed(all()):add_callback(function(...) return ... end) end,
      function() return weir.succeed(1):add_callback(all) end,
      function() return weir.after(0, all()) end,
      function() return weir.spawn(function() return weir.await(weir.succeed(all())) end) end,
      function() return weir.spawn(function() weir.noreturn(function(...) return ... end, all()) end) end,
      function() return weir.spawn(function()
        local last
        for _, _, x in weir.wrap(function() coroutine.yield(all()) end) do last = x end
        return last
      end) end,
      function() return weir.maybe(all) end,
      function() return weir.map({ 1 }, all) end,
    } do
      local ok, d = pcall(f)
      if ok then
        weir.clock():advance(1)
        weir.step()
        assert.is_true(ENDED[d:status()], tostring(d))
        pcall(d.result, d)
      else
        assert.is_string(d)
      end
    end
    assert_works()
  end)

  -- Recurses until something raises; f is called at each depth, with what goes deeper.
  local function each_depth(f)
    local depth = 0
    local function deeper()
      depth = depth + 1
      if depth < 10000 then f(deeper) end
    end
    local ok, err = pcall(deeper)
    return depth, ok, err
  end

  local ways = {
    function(deeper) weir.spawn(deeper) end,
    function(deeper) weir.succeed():add_callback(deeper) end,
    function(deeper) weir.Deferred(deeper):cancel() end,
    function(deeper) weir.Deferred { pause = deeper }:pause() end,
    function(deeper) weir.maybe(deeper) end,
    function(deeper) weir.wrap(deeper)() end,
    function(deeper) coroutine.wrap(deeper)() end,
    function(deeper) local _ <close> = setmetatable({}, { __close = deeper }) end,
    function(deeper) pcall(deeper) end,
    function(deeper) weir.map({ 1 }, deeper) end,
    function(deeper) weir.spawn(weir.noreturn, deeper) end,
    function(deeper) xpcall(error, deeper) end,
    function(deeper)
      local co = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = deeper })
        weir.await(weir.Deferred())
      end)
      co:close()
    end,
    function(deeper) tostring(setmetatable({}, { __tostring = function() deeper() return "" end })) end,
  }

  it("8.4 recursion without an end, by every way there is and by all of them", function()
    for _, way in ipairs(ways) do
      each_depth(way)
      weir.spawn(each_depth, way)
      weir.step()
    end
    local i = 0
    each_depth(function(deeper)
      i = i % #ways + 1
      ways[i](deeper)
    end)
    h.collect()
    for _ = 1, 10 do weir.step() end
    assert_works()
  end)
end)

describe("hostile: the module", function()
  it("8.4 loaded again, it is the same scheduler", function()
    survives [[
      local weir = require "weir"
      for name in pairs(package.loaded) do
        if name:find "^weir" then package.loaded[name] = nil end
      end
      local again = require "weir"
      assert(again ~= weir)
      local d = weir.Deferred()
      local co = again.spawn(function() return again.await(d) end)
      assert(again.is_deferred(d) and weir.is_deferred(co))
      again.run(function() weir.yield() again.Lock():run(weir.yield) d:callback "v" end)
      assert(co:result() == "v")
      print "survived"
    ]]
  end)

  it("8.4 forgotten while coroutines wait, with nothing of it left but what they hold", function()
    survives [[
      local weir = require "weir"
      local wait, spawn, sleep = weir.await, weir.spawn, weir.sleep
      local d = weir.Deferred()
      local co = spawn(function() sleep(0.001) return wait(d) end)
      for name in pairs(package.loaded) do
        if name:find "^weir" then package.loaded[name] = nil end
      end
      weir = nil
      collectgarbage() collectgarbage()
      d:callback "v"
      spawn(spawn, sleep, 1)
      collectgarbage()
      print(require "weir".run(wait, co) == "v" and "survived")
    ]]
  end)

  it("8.4 its registry key taken away, its tables emptied", function()
    survives [[
      local weir = require "weir"
      local await, yield = weir.await, weir.yield
      local co = weir.spawn(await, weir.Deferred())
      for name in pairs(weir) do weir[name] = nil end
      for name, x in pairs(package.loaded) do
        if name:find "^weir" and type(x) == "table" then
          for key in pairs(x) do x[key] = nil end
        end
      end
      co:cancel()
      local ok = pcall(co.result, co)
      assert(not ok and co:status() == "cancelled")
      print "survived"
    ]]
  end)

  it("8.4 globals taken away: an error of Lua where one is needed, and the core goes on", function()
    survives [[
      local print, pcall = print, pcall
      local weir = require "weir"
      local names = {}
      for name in pairs(_G) do names[#names + 1] = name end
      local globals = _G
      for _, name in next, names do globals[name] = nil end
      local co = weir.spawn(function() weir.yield() return weir.await(weir.after(0.001, "v")) end)
      pcall(weir.all, { co })
      pcall(weir.Lock)
      pcall(weir.every, 1, print)
      print(weir.run(weir.await, co) == "v" and "survived")
    ]]
  end)
end)

describe("hostile: the end", function()
  -- Places from which the process is asked to end, with coroutines in every state.
  local PROGRAM = [[
    local weir = require "weir"
    weir.on_unhandled(function() end)
    local d = weir.Deferred()
    local function guarded(wait)
      return weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function()
          pcall(weir.await, weir.Deferred())
          pcall(weir.step)
          weir.spawn(weir.yield)
          error "of a handler"
        end })
        wait()
      end)
    end
    local waiting, ready = guarded(function() weir.await(d) end), guarded(weir.yield)
    local sleeping, paused = guarded(function() weir.sleep(1) end), guarded(function() weir.await(d) end):pause()
    local all = weir.all { waiting, ready, sleeping, paused }
    all:timeout(10)
    local last = setmetatable({}, { __gc = function()
      pcall(d.callback, d, "v")
      pcall(weir.step)
      pcall(weir.run, weir.yield)
      pcall(all.cancel, all)
      error "of a finalizer"
    end })
    print "survived"
    local function leave() os.exit(%s, true) end
    %s
  ]]

  local ways = {
    ["the host"] = "leave()",
    ["a coroutine"] = "weir.spawn(function() weir.yield() leave() end) weir.step()",
    ["a callback"] = "d:add_callback(leave):callback()",
    ["a canceller"] = "weir.Deferred(leave):cancel()",
    ["a <close> handler"] = [[weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = leave })
      weir.await(weir.Deferred())
    end):close()]],
    ["a finalizer"] = "setmetatable({}, { __gc = leave }) collectgarbage()",
    ["a finalizer at the end"] = "keep = setmetatable({}, { __gc = leave })",
    ["a generator"] = "weir.spawn(function() for _ in weir.wrap(leave) do end end)",
    ["a report"] = "weir.on_unhandled(leave) weir.fail 'x' collectgarbage() weir.step()",
    ["a hook"] = "debug.sethook(leave, '', 1) weir.spawn(weir.yield)",
    ["a deep await"] = [[
      local function deep(n)
        if n == 0 then leave() end
        return weir.await(weir.spawn(deep, n - 1))
      end
      weir.spawn(deep, 1000)]],
    ["an error that nobody catches"] = "os.exit = error weir.spawn(function() weir.sleep(0.001) end) weir.run()",
  }

  for name, way in pairs(ways) do
    it("8.4 os.exit from " .. name .. ": the state is closed, and the process ends as it says", function()
      survives(PROGRAM:format(3, way), way:find("os.exit", 1, true) and 0 or 3)
    end)
  end

  it("8.4 finalizers that bring everything back while the state is closed", function()
    survives [[
      local weir = require "weir"
      weir.on_unhandled(function() end)
      for i = 1, 20 do
        local d = weir.Deferred()
        local co = weir.spawn(function()
          local _ <close> = setmetatable({}, { __close = function() back = weir.spawn(weir.await, d) end })
          return weir.await(d)
        end)
        _G[i] = setmetatable({ co, d }, { __gc = function(self)
          _G["again" .. i] = self
          pcall(d.callback, d, i)
          setmetatable({ self }, { __gc = function() pcall(co.close, co) weir.spawn(weir.sleep, 1) end })
        end })
      end
      print "survived"
    ]]
  end)
end)
