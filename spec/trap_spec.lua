-- Slices and limits are counted by a debug hook. A hook of the user's own works as it does without them.
local h = require "spec.helper"
local weir = require "weir"

-- The environment of specs looks for globals in Lua code, which would be counted.
local coroutine, debug, error, pcall, setmetatable, table = coroutine, debug, error, pcall, setmetatable, table
local assert, ipairs, select, tostring = assert, ipairs, select, tostring

local function work(n)
  for _ = 1, n do end
end

local function forever()
  while true do end
end

-- Something of everything that hooks tell of.
local function program()
  local t = setmetatable({}, { __index = function(_, k) return k end })
  local function tail(n)
    if n == 0 then return n end
    return tail(n - 1)
  end
  local function recurse(n) return n == 0 and 0 or 1 + recurse(n - 1) end
  local function vararg(...)
    local n = select("#", ...)
    return n, ...
  end
  local sum = 0
  for i = 1, 5 do
    sum = sum + i
  end
  pcall(error, "caught")
  pcall(function() local x = t.a; error(x) end)
  for i in weir.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do sum = sum + i end
  table.sort({ 3, 1, 2 }, function(a, b) return a < b end)
  while sum > 15 do sum = sum - 1 end
  return tail(4) + recurse(4) + vararg(1, 2, 3)
end

describe("trap", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(function()
    weir.slice(0)
    h.restore()
  end)

  -- Starts f in a coroutine that waits before it; then the hook is set on its thread.
  local function hooked(f, hook, mask, count)
    local thread
    local co = weir.spawn(function()
      thread = coroutine.running()
      weir.yield()
      return f()
    end)
    debug.sethook(thread, hook, mask, count)
    return co, thread
  end

  local function run(co)
    while co:status() == "ready" do weir.step() end
    return co:result()
  end

  -- All that the user's hook is told of while the program runs.
  local function events(slice, mask)
    local list = {}
    local co, thread = hooked(program, function(event, line)
      local info = debug.getinfo(2, "S")
      list[#list + 1] = ("%s %s %s:%d"):format(event, line, info.short_src, info.linedefined)
    end, mask)
    co:slice(slice)
    assert.equal(7, run(co))
    debug.sethook(thread)
    return list
  end

  it("3.5 the user's hook is told of the same calls, returns and lines, however often it is preempted", function()
    for _, mask in ipairs { "c", "r", "l", "cr", "rl", "crl" } do
      local expected = events(0, mask)
      assert.is_true(#expected > 20)
      for _, slice in ipairs { 1, 2, 3, 7, 100 } do
        assert.same(expected, events(slice, mask))
      end
    end
  end)

  it("3.5 and of its own count", function()
    local function count(slice, every)
      local n = 0
      local co, thread = hooked(function() work(1000) end, function() n = n + 1 end, "", every)
      co:slice(slice)
      run(co)
      debug.sethook(thread)
      return n
    end
    for _, every in ipairs { 1, 7, 100 } do
      for _, slice in ipairs { 1, 2, 50, 333, 5000 } do
        local n = count(slice, every)
        assert.is_true(n * every >= 1000 - every and n * every <= 1020)
      end
    end
  end)

  it("3.5 a hook that does much does not keep it from being preempted", function()
    for _, mask in ipairs { "l", "c", "r" } do
      for n = 90, 110 do
        local co, thread = hooked(function() while true do work(1) end end, function() work(n) end, mask)
        co:slice(100)
        weir.step()
        assert.equal("ready", co:status())
        co:cancel()
        assert.equal("cancelled", co:status())
        debug.sethook(thread)
      end
    end
  end)

  it("8.4 debug.gethook shows that there is another hook; without slices the user's comes back", function()
    local function hook() end
    local co, thread = hooked(function() weir.yield() end, hook, "l")
    co:slice(100)
    weir.step()
    assert.equal("external hook", (debug.gethook(thread)))
    co:slice(0)
    weir.step()
    assert.same({ hook, "l", 0 }, { debug.gethook(thread) })
    debug.sethook(thread)
  end)

  it("3.5 a hook set on one that is preempted takes its place beside the slice", function()
    local lines, thread = 0, nil
    local co = weir.spawn(function()
      thread = coroutine.running()
      forever()
    end, nil, weir.slice(100))
    weir.slice(0)
    debug.sethook(thread, function() lines = lines + 1 end, "l")
    weir.step()
    local first = lines
    assert.is_true(first > 10)
    assert.equal("ready", co:status())
    debug.sethook(thread)
    weir.step()
    assert.equal("ready", co:status())
    assert.equal(first, lines)
    co:cancel()
  end)

  it("3.5 one that it sets itself keeps it from being preempted until its next wait only", function()
    local lines = 0
    local co = weir.spawn(function()
      weir.yield()
      debug.sethook(function() lines = lines + 1 end, "l")
      work(1000)
      weir.yield()
      forever()
    end)
    co:slice(100)
    weir.step()
    weir.step()
    weir.step()
    assert.equal("ready", co:status())
    assert.is_true(lines > 5)
    co:cancel()
  end)

  it("3.5 a hook may set another in its own place, or none", function()
    local log = {}
    local co, thread
    co, thread = hooked(forever, function()
      log[#log + 1] = "first"
      debug.sethook(thread, function()
        log[#log + 1] = "second"
        debug.sethook(thread)
      end, "l")
    end, "l")
    co:slice(100)
    weir.step()
    weir.step()
    assert.same({ "first", "second" }, log)
    assert.equal("ready", co:status())
    co:cancel()
  end)

  it("8.4 a hook that raises ends the coroutine, or is caught", function()
    local n = 0
    local co, thread = hooked(function()
      local ok, err = pcall(forever)
      return ok, err
    end, function()
      n = n + 1
      if n == 50 then error("from the hook", 0) end
    end, "l")
    co:slice(20)
    assert.same({ false, "from the hook" }, { run(co) })
    debug.sethook(thread)
  end)

  it("3.3 an error at a plain yield comes at the next instruction, and the user's hook goes on behind it", function()
    local d, lines = weir.Deferred(), {}
    local co, thread = hooked(function()
      local ok = pcall(function()
        coroutine.yield(d)
        return true
      end)
      return ok
    end, function(_, line) lines[#lines + 1] = line end, "l")
    weir.step()
    d:errback "late"
    assert.is_false(co:result())
    debug.sethook(thread)
    local first = lines[2]
    for i = 2, #lines do lines[i - 1] = lines[i] - first end
    assert.same({ 0, 3, 0, 1, 4 }, { table.unpack(lines, 1, 5) })
  end)

  it("3.3 behind such an error there is no hook any more", function()
    local d = weir.Deferred()
    local co = weir.spawn(function()
      local ok = pcall(function()
        coroutine.yield(d)
        return true
      end)
      return ok, debug.gethook()
    end)
    d:errback "late"
    assert.same({ false }, { co:result() })
  end)

  it("8.2 works beside a limit", function()
    local lines = 0
    local co, thread = hooked(forever, function() lines = lines + 1 end, "l")
    co:limit { instructions = 500 }
    weir.step()
    assert.equal("LimitError", h.raised(co.result, co).name)
    assert.is_true(lines > 400)
    debug.sethook(thread)
  end)

  it("3.5 threads made by a coroutine that is sliced have no hook of it", function()
    local hooks = {}
    local co = weir.spawn(function()
      weir.yield()
      weir.spawn(function() hooks[1] = tostring(debug.gethook()) end)
      local plain = coroutine.create(function()
        coroutine.yield(weir.spawn(function() hooks[2] = tostring(debug.gethook()) end))
      end)
      coroutine.resume(plain)
      weir.yield()
    end)
    co:slice(100)
    weir.step()
    weir.step()
    assert.same({ "nil", "nil" }, hooks)
  end)

  it("3.5 a plain coroutine in one that is sliced has the events of the user's hook, as Lua gives them", function()
    local masks = {}
    local function note() masks[#masks + 1] = select(2, debug.gethook()) end
    local function body()
      debug.sethook(h.ignore, "l")
      coroutine.wrap(note)()
      weir.current():slice(1000)
      coroutine.wrap(note)()
      weir.spawn(note)
    end
    weir.spawn(body)
    assert.same({ "l", "l", "l" }, masks)
  end)
end)
