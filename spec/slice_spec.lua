-- Slices: coroutines that do not wait give way none the less.
local frames = require "spec.frames"
local h = require "spec.helper"
local weir = require "weir"

-- The environment of specs looks for globals in Lua code, which would be counted.
local coroutine, debug, pcall, setmetatable, table = coroutine, debug, pcall, setmetatable, table
local assert, error, ipairs, math, tostring = assert, error, ipairs, math, tostring

local function on_close(f) return setmetatable({}, { __close = f }) end

local function forever()
  while true do end
end

local function swallow_forever()
  while true do pcall(forever) end
end

-- A loop of n instructions.
local function work(n)
  for _ = 1, n do end
end

describe("slice", function()
  local clock, log
  before_each(function()
    clock, log = h.manual(), {}
    h.unhandled()
  end)
  after_each(function()
    weir.slice(0)
    h.restore()
  end)

  -- A C function: nobody else comes in between.
  local function say(...) table.insert(log, ...) end

  -- Says its name for ever.
  local function sayer(name)
    return function()
      while true do table.insert(log, name) end
    end
  end

  -- The log, with what was said several times in a row said once; and how often it was.
  local function turns()
    local names, counts = {}, {}
    for i, name in ipairs(log) do
      if name ~= log[i - 1] then
        names[#names + 1], counts[#counts + 1] = name, 0
      end
      counts[#counts] = counts[#counts] + 1
    end
    return table.concat(names), counts
  end

  local function steps_until_done(co)
    local n = 0
    while co:status() == "ready" do
      weir.step()
      n = n + 1
    end
    return n
  end

  local function cancel_all(cos)
    for _, co in ipairs(cos) do co:cancel() end
  end

  describe("order", function()
    it("3.5 busy loops take turns: a slice in the call that starts them, and one in each step", function()
      weir.slice(600)
      local cos = {}
      for i, name in ipairs { "a", "b", "c" } do cos[i] = weir.spawn(sayer(name)) end
      weir.step()
      weir.step()
      local names, counts = turns()
      assert.equal("abcabcabc", names)
      for i = 1, 3 do -- the same loop in the same number of instructions
        assert.same({ counts[1], counts[4], counts[7] }, { counts[i], counts[i + 3], counts[i + 6] })
      end
      cancel_all(cos)
    end)

    it("3.5 slices of different length are as long as they say", function()
      local short, long = weir.spawn(function() weir.yield(); sayer "s"() end), weir.spawn(function()
        weir.yield()
        sayer "l"()
      end)
      short:slice(700)
      long:slice(1400)
      weir.step() -- the first one begins anywhere in the loop
      log = {}
      weir.step()
      local names, counts = turns()
      assert.equal("sl", names)
      assert.is_true(math.abs(2 * counts[1] - counts[2]) <= 2)
      cancel_all { short, long }
    end)

    it("3.5 who yields and who is preempted go to the back of the same queue", function()
      weir.slice(300)
      local function yielder(name)
        return function()
          while true do
            table.insert(log, name)
            weir.yield()
          end
        end
      end
      local cos = { weir.spawn(yielder "1"), weir.spawn(sayer "2"), weir.spawn(yielder "3"), weir.spawn(sayer "4") }
      weir.step()
      weir.step()
      assert.equal("123412341234", (turns()))
      cancel_all(cos)
    end)

    it("3.4 one that was preempted waits for the next step, whatever the host calls before", function()
      weir.slice(100)
      local d = weir.Deferred()
      local co = weir.spawn(function() work(150); say "worked" end)
      local other = weir.spawn(function() weir.await(d); say "woken" end)
      d:callback()
      clock:advance(1)
      say "host"
      assert.equal("ready", co:status())
      weir.step()
      assert.same({ "woken", "host", "worked" }, log)
      assert.same({ "success", "success" }, { co:status(), other:status() })
    end)

    it("3.2 the caller goes on when its callee is preempted", function()
      weir.slice(200)
      local co = weir.spawn(function()
        weir.spawn(function() say "callee"; work(300); say "callee again" end)
        say "caller"
      end)
      assert.same({ "callee", "caller" }, log)
      assert.equal("success", co:status())
      weir.step()
      assert.same({ "callee", "caller", "callee again" }, log)
    end)

    it("3.5 one that waits in time is never preempted, however long it runs in all", function()
      weir.slice(1000)
      local co = weir.spawn(function()
        for i = 1, 50 do
          work(400)
          weir.sleep(1)
          say(i)
        end
      end)
      for i = 1, 50 do
        clock:advance(1)
        assert.equal(i, #log)
      end
      assert.equal("success", co:status())
    end)

    it("3.5 nor is one whose waits are short: what it waits for there does not count", function()
      weir.slice(1500)
      local co = weir.spawn(function()
        for _ = 1, 20 do
          work(400)
          weir.yield()
        end
      end)
      assert.equal(20, steps_until_done(co))
    end)

    it("3.2 starting others is no wait", function()
      local starter = weir.spawn(function()
        weir.yield()
        while true do weir.spawn(h.ignore) end
      end)
      starter:slice(500)
      weir.step() -- comes back
      assert.equal("ready", starter:status())
      starter:cancel()
    end)

    it("3.3 nor is a yield of what has fired", function()
      local fired = weir.succeed()
      local co = weir.spawn(function()
        weir.yield()
        while true do coroutine.yield(fired) end
      end)
      co:slice(500)
      weir.step()
      assert.equal("ready", co:status())
      co:cancel()
    end)

    it("7.3 run comes to its end while others never do", function()
      weir.slice(1000)
      local cos = { weir.spawn(forever), weir.spawn(swallow_forever) }
      assert.equal("done", weir.run(function() work(5000); weir.yield(); return "done" end))
      cancel_all(cos)
      clock:advance(5)
      assert.same({ "cancelled", "cancelled" }, { cos[1]:status(), cos[2]:status() })
    end)

    it("7.3 a budget ends a step between two slices, and the next one goes on there", function()
      weir.slice(300)
      local cos = {}
      for i, name in ipairs { "a", "b", "c" } do cos[i] = weir.spawn(sayer(name)) end
      log = {}
      local order = {}
      for i = 1, 7 do
        assert.equal(0, weir.step(0))
        order[i] = turns()
      end
      assert.same({ "a", "ab", "abc", "abca", "abcab", "abcabc", "abcabca" }, order)
      cancel_all(cos)
    end)

    it("7.3 so it does behind a caller whose callee is preempted", function()
      local co = weir.spawn(function()
        weir.yield()
        weir.spawn(sayer "callee"):cancel()
        say "caller"
      end)
      weir.slice(300)
      weir.step(0)
      assert.equal("callee", (turns()))
      weir.step(0)
      assert.equal("calleecaller", (turns()))
      assert.equal("success", co:status())
    end)
  end)

  describe("settings", function()
    it("2.9 slice of a Coroutine returns it", function()
      local co = weir.spawn(weir.yield)
      assert.equal(co, co:slice(10))
      assert.equal(co, co:slice(nil))
    end)

    it("3.5 the default is for those made from then on; 0 and nil are none", function()
      assert.equal(0, weir.slice(100))
      local sliced = weir.spawn(work, 150)
      assert.equal(100, weir.slice())
      assert.equal(100, weir.slice(nil))
      local free = weir.spawn(work, 15000)
      assert.equal(0, weir.slice(0))
      assert.same({ "ready", "success" }, { sliced:status(), free:status() })
    end)

    it("3.5 a slice can be set, changed and taken away at any time", function()
      local co = weir.spawn(function()
        weir.yield()
        work(10000)
      end)
      co:slice(1000)
      weir.step()
      assert.equal("ready", co:status())
      co:slice(100)
      for _ = 1, 5 do weir.step() end
      assert.equal("ready", co:status())
      co:slice(0)
      weir.step()
      assert.equal("success", co:status())
      assert.equal(co, co:slice(10))
    end)

    it("3.5 one can set its own, and is preempted by it from then on", function()
      local co = weir.spawn(function()
        work(1000)
        weir.current():slice(100)
        say "set"
        work(150)
        say "end"
      end)
      assert.same({ "set" }, log)
      weir.step()
      assert.same({ "set", "end" }, log)
      assert.equal("success", co:status())
    end)

    it("3.5 one that has not started is preempted as others are", function()
      weir.inline(false)
      local co = weir.spawn(forever)
      co:slice(100)
      weir.step()
      assert.equal("ready", co:status())
      co:cancel()
      weir.step()
      assert.equal("cancelled", co:status())
    end)

    it("8.4 arguments", function()
      local co = weir.spawn(weir.yield)
      local function message(f, ...) return (h.raised(f, ...):gsub("^.-:%d+: ", "")) end
      assert.equal("bad argument #1 to 'slice' (number of instructions must not be negative)",
        message(function() weir.slice(-1) end))
      assert.equal("bad argument #1 to 'slice' (number has no integer representation)",
        message(function() weir.slice(1.5) end))
      assert.equal("bad argument #1 to 'slice' (value expected)", message(function() co:slice() end))
      assert.equal("bad argument #1 to 'slice' (number of instructions must not be negative)",
        message(function() co:slice(-1) end))
      assert.equal("bad argument #1 to 'slice' (Coroutine expected, got weir.Deferred)",
        message(function() co.slice(weir.Deferred(), 1) end))
    end)

    it("4.1 a hop by noreturn keeps it", function()
      weir.slice(100)
      local co = weir.spawn(function() weir.noreturn(work, 150) end)
      assert.equal("ready", co:status())
      weir.step()
      assert.equal("success", co:status())
    end)

    it("3.1 a thread that is used again has no hook left", function()
      weir.slice(10)
      local threads = {}
      for _ = 1, 5 do
        local co = weir.spawn(function()
          threads[coroutine.running()] = true
          work(30)
          weir.yield()
        end)
        steps_until_done(co)
      end
      for thread in pairs(threads) do assert.is_nil((debug.gethook(thread))) end
      weir.slice(0)
      local seen = 0
      for _ = 1, 5 do
        weir.spawn(function()
          if threads[coroutine.running()] then seen = seen + 1 end
          assert.is_nil((debug.gethook()))
        end):result()
      end
      assert.is_true(seen > 0)
    end)
  end)

  describe("cancel", function()
    it("5.2 from the host is raised where it was preempted, before the call returns", function()
      weir.slice(2000)
      local i = 0
      local co = weir.spawn(function()
        local _ <close> = on_close(function(_, err) say(err.reason) end)
        while true do i = i + 1 end
      end)
      local from = i
      assert.is_true(co:cancel "enough")
      assert.same({ "enough" }, log)
      assert.is_true(i - from <= 1)
      assert.equal("cancelled", co:status())
      assert.equal("enough", h.raised(co.result, co).reason)
    end)

    it("5.2 from another coroutine", function()
      weir.slice(100)
      local co = weir.spawn(forever)
      weir.spawn(function() weir.yield(); say(co:cancel()) end)
      weir.step()
      assert.same({ true }, log)
      assert.equal("cancelled", co:status())
    end)

    it("5.5 cleanup behind it may wait, and is preempted too", function()
      weir.slice(100)
      local co = weir.spawn(function()
        local _ <close> = on_close(function()
          weir.sleep(1)
          work(450)
          say "cleaned up"
        end)
        forever()
      end)
      co:cancel()
      assert.equal("waiting", co:status())
      clock:advance(1)
      assert.same({ "ready" }, { co:status(), log[1] })
      assert.is_true(steps_until_done(co) > 1)
      assert.equal("cancelled", co:status())
      assert.same({ "cleaned up" }, log)
    end)

    it("5.6 one that swallows it is closed when the grace time is over", function()
      weir.slice(100)
      local co = weir.spawn(function()
        local _ <close> = on_close(function() say "closed" end)
        swallow_forever()
      end)
      assert.is_true(co:cancel("reason", 2))
      for _ = 1, 20 do weir.step() end
      assert.equal("ready", co:status())
      clock:advance(2)
      assert.same({ "closed" }, log)
      assert.equal("cancelled", co:status())
    end)

    it("2.7 a timeout ends it", function()
      weir.slice(100)
      local co = weir.spawn(forever)
      co:timeout(1)
      clock:advance(1)
      assert.equal("TimeoutError", h.raised(co.result, co).name)
    end)

    it("5.7 close ends it by force, and pcall is not asked", function()
      weir.slice(100)
      local co = weir.spawn(function()
        local _ <close> = on_close(function() say "closed" end)
        swallow_forever()
      end)
      assert.is_true(co:close())
      assert.same({ "closed" }, log)
      assert.equal("cancelled", co:status())
    end)

    it("5.9 of itself is raised where the slice ends", function()
      weir.slice(300)
      local co = weir.spawn(function()
        weir.current():cancel "self"
        work(100)
        say "still here"
        local ok, err = pcall(forever)
        say(ok)
        say(err.reason)
      end)
      assert.same({ "still here", false, "self" }, log)
      assert.equal("cancelled", co:status())
    end)

    -- Preempted at each of its instructions in turn.
    it("5.8 is raised exactly once, at whichever instruction it strikes", function()
      local function body(d, errors)
        local function try(f, ...)
          local ok, err = pcall(f, ...)
          if not ok then table.insert(errors, err) end
        end
        try(weir.await, d)
        local t = setmetatable({}, { __index = function(_, k) return k end })
        try(function() return t.a .. t.b end)
        try(weir.yield)
        try(coroutine.yield, d)
        for i in weir.wrap(function() coroutine.yield(1) end) do try(weir.await, d, i) end
        return weir.await(d)
      end
      for steps = 1, 150 do
        local d, errors = weir.Deferred(), {}
        local co = weir.spawn(function() weir.yield(); return body(d, errors) end)
        co:slice(1)
        for _ = 1, steps do weir.step() end
        co:cancel()
        d:callback() -- late, and dropped, if it went with the coroutine
        steps_until_done(co)
        assert.equal("cancelled", co:status())
        for _, err in ipairs(errors) do assert.is_true(weir.is_cancelled(err)) end
        assert.is_true(#errors <= 1)
      end
    end)
  end)

  describe("pause", function()
    it("6.1 holds it, and an unpause lets it go on", function()
      weir.slice(100)
      local co = weir.spawn(function() work(250); say "end" end)
      co:pause()
      for _ = 1, 5 do weir.step() end
      assert.equal("paused", co:status())
      assert.same({}, log)
      co:unpause()
      assert.equal("ready", co:status())
      assert.equal(2, steps_until_done(co))
      assert.same({ "end" }, log)
    end)

    it("6.1 of itself takes effect where the slice ends", function()
      weir.slice(100)
      local co = weir.spawn(function()
        weir.current():pause()
        work(20)
        say "still here"
        work(200)
        say "free"
      end)
      assert.equal("paused", co:status())
      weir.step()
      assert.same({ "still here" }, log)
      co:unpause()
      steps_until_done(co)
      assert.same({ "still here", "free" }, log)
    end)

    it("5.9 a cancel overrides it", function()
      weir.slice(100)
      local co = weir.spawn(forever)
      co:pause()
      co:cancel()
      assert.equal("cancelled", co:status())
    end)
  end)

  describe("where it cannot be preempted", function()
    local items
    before_each(function()
      items = {}
      for i = 1, 50 do items[i] = i * 7 % 51 end
    end)

    local function sorted(t)
      for i = 2, #t do
        if t[i - 1] > t[i] then return false end
      end
      return true
    end

    it("3.6 in a comparator it goes on, and gives way behind it", function()
      weir.slice(100)
      local co = weir.spawn(function()
        table.sort(items, function(a, b) return a < b end)
        say "sorted"
      end)
      assert.same({}, log)
      assert.is_true(sorted(items))
      weir.step()
      assert.same({ "sorted" }, log)
      assert.equal("success", co:status())
    end)

    it("3.6 in a replacement function of gsub", function()
      weir.slice(20)
      local co = weir.spawn(function()
        local s = ("abc"):gsub(".", function(c) work(50); return c .. c end)
        return s
      end)
      weir.step()
      assert.equal("aabbcc", co:result())
    end)

    it("3.6 in a callback", function()
      weir.slice(50)
      local d = weir.Deferred():add_callback(function() work(200); say "callback" end)
      local co = weir.spawn(function()
        d:callback()
        say "behind"
      end)
      assert.same({ "callback" }, log)
      steps_until_done(co)
      assert.same({ "callback", "behind" }, log)
    end)

    it("3.6 in a plain coroutine, whose own yields are not disturbed", function()
      weir.slice(30)
      local co = weir.spawn(function()
        local sum = 0
        for i in coroutine.wrap(function()
          for i = 1, 10 do
            work(50)
            coroutine.yield(i)
          end
        end) do sum = sum + i end
        return sum
      end)
      assert.is_true(steps_until_done(co) >= 10)
      assert.equal(55, co:result())
    end)

    it("3.6 in handlers that a close runs", function()
      weir.slice(50)
      local co = weir.spawn(function()
        local _ <close> = on_close(function() work(500); say "closed" end)
        forever()
      end)
      assert.is_true(co:close())
      assert.same({ "closed" }, log)
    end)

    it("3.6 in metamethods it can", function()
      weir.slice(50)
      local t = setmetatable({}, {
        __index = function(_, k) work(120); return k end,
        __lt = function() work(120); return true end,
        __concat = function() work(120); return "c" end,
      })
      local co = weir.spawn(function() return t.a, t < t, t .. t end)
      assert.is_true(steps_until_done(co) >= 6)
      assert.same({ "a", true, "c" }, { co:result() })
    end)
  end)

  describe("generators", function()
    it("3.6 are preempted with the coroutine that calls them", function()
      weir.slice(100)
      local co = weir.spawn(function()
        local sum = 0
        for i in weir.wrap(function()
          for i = 1, 5 do
            work(220)
            coroutine.yield(i)
          end
        end) do sum = sum + i end
        return sum
      end)
      assert.is_true(steps_until_done(co) >= 10)
      assert.equal(15, co:result())
    end)

    it("3.6 in generators as well", function()
      weir.slice(100)
      local function nested(depth)
        return weir.wrap(function()
          if depth == 0 then work(500) else nested(depth - 1)() end
          coroutine.yield(depth)
        end)
      end
      local co = weir.spawn(function() return nested(3)() end)
      assert.is_true(steps_until_done(co) >= 5)
      assert.equal(3, co:result())
    end)

    it("3.5 begin in a generator that sets one, from there on", function()
      for _, wrap in ipairs { weir.wrap, coroutine.wrap } do
        local i = 0
        local co = weir.spawn(function()
          wrap(function()
            weir.current():limit { instructions = 1000 }
            while true do i = i + 1 end
          end)()
        end)
        assert.equal("LimitError", h.raised(co.result, co).name)
        assert.is_true(i > 100 and i < 1000)
      end
    end)

    it("5.2 a cancel is raised in them, at once", function()
      weir.slice(2000)
      local i = 0
      local co = weir.spawn(function()
        weir.wrap(function()
          local ok, err = pcall(function()
            while true do i = i + 1 end
          end)
          say(ok)
          say(err.reason)
        end)()
        say "goes on"
      end)
      local from = i
      co:cancel "why"
      assert.same({ false, "why", "goes on" }, log)
      assert.is_true(i - from <= 1)
      assert.equal("cancelled", co:status())
    end)

    it("5.7 go with it when it is closed", function()
      weir.slice(100)
      local co = weir.spawn(function()
        weir.wrap(function()
          local _ <close> = on_close(function() say "closed" end)
          swallow_forever()
        end)()
      end)
      assert.is_true(co:close())
      assert.same({ "closed" }, log)
    end)

    it("3.6 have no slice in the host, or in a coroutine that has none", function()
      local gen = weir.wrap(function()
        while true do
          work(1000)
          coroutine.yield(debug.gethook())
        end
      end)
      weir.slice(100)
      steps_until_done(weir.spawn(gen))
      weir.slice(0)
      weir.spawn(gen):result()
      assert.is_nil(weir.spawn(gen):result())
      assert.is_nil(gen())
    end)

    it("3.6 nor one that was made by a coroutine that has", function()
      local gen
      weir.slice(100)
      weir.spawn(function()
        gen = weir.wrap(function() coroutine.yield((debug.gethook())) end)
      end)
      assert.is_nil(gen())
    end)
  end)

  describe("the library", function()
    it("9.3 is never taken apart: a Lock is held by one at a time, first come first served", function()
      weir.slice(1)
      local lock, inside, most, cos = weir.Lock(), 0, 0, {}
      for i = 1, 4 do
        cos[i] = weir.spawn(function()
          for _ = 1, 3 do
            local _ <close> = weir.await(lock:acquire())
            inside = inside + 1
            most = math.max(most, inside)
            work(20)
            inside = inside - 1
          end
        end)
      end
      for i = 1, 4 do steps_until_done(cos[i]) end
      weir.run()
      assert.same({ 1, 0 }, { most, inside })
      assert.matches("1 of 1 free, 0 waiting", tostring(lock))
    end)

    it("9.3 nor is a Queue: every item comes once, in order", function()
      weir.slice(1)
      local queue = weir.Queue(2)
      local function producer(from)
        return function()
          for i = from, from + 9 do weir.await(queue:put(i)) end
        end
      end
      local a, b = weir.spawn(producer(1)), weir.spawn(producer(101))
      local seen = weir.run(function()
        local list = {}
        for _ = 1, 20 do table.insert(list, (weir.await(queue:get()))) end
        return list
      end)
      local first, second = {}, {}
      for _, item in ipairs(seen) do table.insert(item < 100 and first or second, item) end
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, first)
      assert.same({ 101, 102, 103, 104, 105, 106, 107, 108, 109, 110 }, second)
      assert.same({ "success", "success" }, { a:status(), b:status() })
    end)

    it("9.3 nor by a cancel: lock:run gives back what it has", function()
      for steps = 1, 120 do
        local lock = weir.Lock()
        local co = lock:run(function() weir.yield(); work(30) end)
        co:slice(1)
        for _ = 1, steps do weir.step() end
        co:cancel()
        clock:advance(5)
        assert.matches("1 of 1 free", tostring(lock))
      end
    end)
  end)

  it("8.2 the traceback of one that was preempted shows where it is", function()
    weir.slice(100)
    local line
    local co = weir.spawn(function()
      line = frames.here(); while true do end
    end)
    assert.same({ { line } }, frames.of(co:traceback()))
    co:cancel()
  end)

  it("8.2 that of an error behind it is that of the error", function()
    weir.slice(100)
    local line
    local co = weir.spawn(function()
      work(1000)
      line = frames.here(); error "late"
    end)
    steps_until_done(co)
    assert.same({ { line } }, frames.of(co:traceback()))
  end)
end)
