-- Limits: an error for coroutines that run too long, and force for those that do not listen.
local frames = require "spec.frames"
local h = require "spec.helper"
local weir = require "weir"

-- The environment of specs looks for globals in Lua code, which would be counted.
local coroutine, debug, pcall, setmetatable, table = coroutine, debug, pcall, setmetatable, table
local assert, ipairs, math, select, tostring = assert, ipairs, math, select, tostring

local RESERVE = 10000 -- instructions behind the LimitError

local function on_close(f) return setmetatable({}, { __close = f }) end

local function forever()
  while true do end
end

local function work(n)
  for _ = 1, n do end
end

-- Before 5.4.4 not all handlers can be counted. The specs for those whose handlers never end would not either.
local function counts_handlers()
  local ended = false
  local co = coroutine.create(function()
    local _ <close> = on_close(function() ended = true end)
    coroutine.yield()
  end)
  coroutine.resume(co)
  debug.sethook(co, h.ignore, "", 1)
  coroutine.close(co)
  return ended
end

local it_counting = counts_handlers() and it or h.ignore

describe("limit", function()
  local clock, log, unhandled
  before_each(function()
    clock, log = h.manual(), {}
    unhandled = h.unhandled()
  end)
  after_each(function()
    weir.slice(0)
    h.restore()
  end)

  local function say(...) table.insert(log, ...) end

  -- Starts f(...) with a limit on it.
  local function limited(limit, f, ...)
    return weir.spawn(function(...)
      weir.current():limit(limit)
      return f(...)
    end, ...)
  end

  local function assert_limit_error(err)
    assert.equal("LimitError", err.name)
    return err
  end

  describe("of instructions", function()
    it("8.3 raises a LimitError that names the line and the limit", function()
      local line
      local co = limited({ instructions = 2000 }, function()
        line = frames.here(); while true do end
      end)
      assert.equal("failure", co:status())
      local err = assert_limit_error(h.raised(co.result, co))
      assert.equal(("LimitError: spec/limit_spec.lua:%d: limit of 2000 instructions exceeded"):format(line),
        tostring(err):gsub("%./", "", 1))
    end)

    it("8.2 with a traceback of where it was raised", function()
      local outer, inner
      local function loop()
        inner = frames.here(); while true do end
      end
      local co = limited({ instructions = 2000 }, function()
        outer = frames.here(); loop()
        return 1
      end)
      assert.same({ { inner, outer } }, { { frames.of(co:traceback())[1][1], frames.of(co:traceback())[1][2] } })
    end)

    it("3.1 counts one by one", function()
      local function reach(n)
        local i = 0
        limited({ instructions = n }, function()
          for k = 1, math.huge do i = k end -- two instructions each
        end):add_errback(h.ignore)
        return i
      end
      local first = reach(1000)
      for _, n in ipairs { 1002, 1500, 2000, 2002, 9998 } do
        assert.equal(first + (n - 1000) // 2, reach(n))
      end
    end)

    it("3.1 lets pass what needs less", function()
      assert.equal("done", limited({ instructions = 10000 }, function() work(9000); return "done" end):result())
    end)

    it("3.1 of 0 leaves nothing", function()
      assert_limit_error(h.raised(h.inside, function()
        weir.current():limit { instructions = 0 }
        say "never"
      end))
      assert.same({}, log)
    end)

    it("3.1 goes on over waits and preemptions", function()
      weir.slice(100)
      local co = limited({ instructions = 3000 }, function()
        for i = 1, math.huge do
          work(500)
          weir.yield()
          say(i)
        end
      end)
      for _ = 1, 100 do weir.step() end
      assert.equal("failure", co:status())
      assert.equal(5, #log)
    end)

    it("4.1 and over hops by noreturn", function()
      local hops = 0
      local function body()
        hops = hops + 1
        work(100)
        weir.noreturn(body)
      end
      local co = limited({ instructions = 5000 }, body)
      assert_limit_error(h.raised(co.result, co))
      assert.is_true(hops > 30 and hops < 50)
    end)

    it("3.1 does not count what others run", function()
      local co = limited({ instructions = 1000 }, function()
        weir.await(weir.spawn(work, 100000))
        return "done"
      end)
      assert.equal("done", co:result())
    end)

    it("3.1 nor what handlers of others do that it closes", function()
      local other = weir.spawn(function()
        local _ <close> = on_close(function() weir.wrap(work)(100000) end)
        weir.await(weir.Deferred())
      end)
      local co = limited({ instructions = 1000 }, function() return other:close() end)
      assert.is_true(co:result())
    end)
  end)

  describe("of seconds", function()
    it("8.3 raises a LimitError", function()
      local co = limited({ seconds = 0.001 }, forever)
      local err = assert_limit_error(h.raised(co.result, co))
      assert.matches("limit of 0.001 seconds exceeded$", err.message)
    end)

    it("3.1 of 0 leaves nothing", function()
      assert_limit_error(h.raised(h.inside, function()
        weir.current():limit { seconds = 0 }
        say "never"
      end))
      assert.same({}, log)
    end)

    it("3.1 that are many, or without end, let pass what needs less", function()
      for _, seconds in ipairs { 1000, math.huge } do
        assert.is_true(limited({ seconds = seconds }, function() work(10000); return true end):result())
      end
    end)

    it("3.1 works beside the other, whichever is first", function()
      local co = limited({ seconds = 1000, instructions = 5000 }, forever)
      assert.matches("instructions", h.raised(co.result, co).message)
      co = limited({ seconds = 0, instructions = math.maxinteger }, forever)
      assert.matches("seconds", h.raised(co.result, co).message)
    end)
  end)

  describe("when the error is caught", function()
    it("2.3 leaves a reserve, and none beyond that", function()
      local i = 0
      local co = limited({ instructions = 100 }, function()
        pcall(forever)
        for k = 1, math.huge do i = k end -- two instructions each
      end)
      assert_limit_error(h.raised(co.result, co))
      assert.is_true(i > RESERVE // 2 - 20 and i <= RESERVE // 2)
    end)

    it("2.3 lets it end with a success within that", function()
      local co = limited({ instructions = 100 }, function()
        local ok, err = pcall(forever)
        return ok, err.name
      end)
      assert.same({ false, "LimitError" }, { co:result() })
    end)

    it("2.3 lets it set another limit, which has an error of its own", function()
      local co = limited({ instructions = 100 }, function()
        local _, first = pcall(forever)
        weir.current():limit { instructions = 50000 }
        work(40000)
        local _, second = pcall(forever)
        return first.message, second.message
      end)
      local first, second = co:result()
      assert.matches("limit of 100 ", first)
      assert.matches("limit of 50000 ", second)
    end)

    it("5.5 runs handlers that may wait", function()
      local co = limited({ instructions = 100 }, function()
        local _ <close> = on_close(function(_, err)
          say(err.name)
          weir.sleep(1)
          say "cleaned up"
        end)
        forever()
      end)
      assert.equal("waiting", co:status())
      clock:advance(1)
      assert.same({ "LimitError", "cleaned up" }, log)
      assert_limit_error(h.raised(co.result, co))
    end)
  end)

  describe("when the error is swallowed", function()
    it("5.7 closes by force: handlers run, pcall is not asked, the outcome is the same error", function()
      local first, swallowed = nil, 0
      local co = limited({ instructions = 1000 }, function()
        local _ <close> = on_close(function() say "closed" end)
        while true do
          local _, err = pcall(forever)
          first = first or err
          swallowed = swallowed + 1
        end
      end)
      assert.same({ "closed" }, log)
      assert.equal(1, swallowed)
      assert.equal(first, h.raised(co.result, co))
      assert_limit_error(first)
    end)

    it("8.2 with a traceback of where it was closed", function()
      local line
      local co = limited({ instructions = 1000 }, function()
        pcall(forever)
        line = frames.here(); while true do end
      end)
      assert.equal(line, frames.of(co:traceback())[1][1])
    end)

    it("5.7 also through pcalls in pcalls", function()
      local function deeper(n)
        while true do pcall(n > 0 and deeper or forever, n - 1) end
      end
      local co = limited({ instructions = 1000 }, deeper, 20)
      assert_limit_error(h.raised(co.result, co))
    end)

    it_counting("5.7 cuts short a handler that never ends, each behind a reserve", function()
      local co = limited({ instructions = 1000 }, function()
        local _ <close> = on_close(function() say "outer" end)
        local _ <close> = on_close(function() say "inner"; forever() end)
        forever()
      end)
      assert.same({ "inner", "outer" }, log)
      assert_limit_error(h.raised(co.result, co))
    end)

    it_counting("5.7 so it does when close runs it", function()
      local co = limited({ instructions = 1000 }, function()
        local _ <close> = on_close(forever)
        weir.await(weir.Deferred())
      end)
      local ok, err = co:close()
      assert.is_false(ok)
      assert_limit_error(err)
    end)

    it_counting("5.7 and a generator that the handler calls", function()
      local co = limited({ instructions = 1000 }, function()
        local _ <close> = on_close(function() weir.wrap(forever)() end)
        weir.await(weir.Deferred())
      end)
      local ok, err = co:close()
      assert.is_false(ok)
      assert_limit_error(err)
    end)

    it("3.6 unwinds with errors where it cannot be closed", function()
      local co = limited({ instructions = 1000 }, function()
        table.sort({ 1, 2, 3 }, function()
          while true do pcall(forever) end
        end)
      end)
      assert_limit_error(h.raised(co.result, co))
    end)

    it("9.3 gives locks back", function()
      local lock = weir.Lock()
      local co = limited({ instructions = 1000 }, function()
        local _ <close> = weir.await(lock:acquire())
        while true do pcall(forever) end
      end)
      assert_limit_error(h.raised(co.result, co))
      assert.matches("1 of 1 free", tostring(lock))
    end)

    it("5.6 ends a cancelled one as well, long before the grace time is over", function()
      weir.slice(100)
      local co = limited({ instructions = 5000 }, function()
        while true do pcall(forever) end
      end)
      assert.is_true(co:cancel())
      for _ = 1, 300 do weir.step() end
      assert_limit_error(h.raised(co.result, co))
    end)
  end)

  describe("holds for", function()
    it("3.6 generators, where it is raised inside", function()
      local co = limited({ instructions = 1000 }, function()
        return weir.wrap(function()
          local ok, err = pcall(forever)
          coroutine.yield(ok, err.name)
        end)()
      end)
      assert.same({ false, "LimitError" }, { co:result() })
    end)

    it_counting("3.6 a generator and the handlers that it leaves behind", function()
      local co = limited({ instructions = 1000 }, function()
        weir.wrap(function()
          local _ <close> = on_close(function() say "handler"; forever() end)
          forever()
        end)()
      end)
      assert.same({ "handler" }, log)
      assert_limit_error(h.raised(co.result, co))
    end)

    it("8.2 an error in a generator, whose stack is in the traceback", function()
      local inner, outer
      local co = limited({ instructions = 1000 }, function()
        local gen = weir.wrap(function()
          inner = frames.here(); while true do end
        end)
        outer = frames.here(); gen()
        return 1
      end)
      local stacks = frames.of(co:traceback())
      assert.same({ inner, outer }, { stacks[1][1], stacks[2][1] })
    end)

    it("3.6 plain coroutines that are made in it", function()
      local co = limited({ instructions = 1000 }, function()
        local ok, err = coroutine.resume(coroutine.create(forever))
        return ok, err.name
      end)
      assert.same({ false, "LimitError" }, { co:result() })
    end)

    it("3.6 comparators and their like", function()
      local co = limited({ instructions = 1000 }, function()
        local ok, err = pcall(table.sort, { 1, 2, 3 }, forever)
        return ok, err.name
      end)
      assert.same({ false, "LimitError" }, { co:result() })
    end)

    it("2.3 callbacks that it runs, which fail without a reserve, and then for itself", function()
      local d = weir.Deferred():add_callback(forever)
      local seen
      local co = limited({ instructions = 1000 }, function()
        pcall(d.callback, d)
        seen = d:status()
        forever()
      end)
      assert_limit_error(h.raised(d.result, d))
      assert_limit_error(h.raised(co.result, co))
      assert.is_nil(seen)
    end)
  end)

  describe("settings", function()
    it("2.9 returns the Coroutine", function()
      local co = weir.spawn(weir.yield)
      assert.equal(co, co:limit { instructions = 10 })
      assert.equal(co, co:limit(nil))
      weir.step()
      assert.equal(co, co:limit { seconds = 1 }) -- has ended
    end)

    it("3.1 from outside it counts from then on, and nil takes it away", function()
      local co = weir.spawn(function()
        work(5000)
        weir.yield()
        work(5000)
        weir.yield()
        forever()
      end)
      co:limit { instructions = 9000 }
      weir.step()
      co:limit { instructions = 8000 }
      weir.step()
      assert_limit_error(h.raised(co.result, co))

      local free = limited({ instructions = 100 }, function()
        weir.yield()
        work(1000)
        return "free"
      end)
      free:limit(nil)
      weir.step()
      assert.equal("free", free:result())
      local none = limited({ instructions = 100 }, function() weir.current():limit {}; work(1000); return "none" end)
      assert.equal("none", none:result())
    end)

    it("3.1 of one that has not started", function()
      weir.inline(false)
      local co = weir.spawn(forever)
      co:limit { instructions = 1000 }
      weir.step()
      assert_limit_error(h.raised(co.result, co))
    end)

    it("8.4 arguments", function()
      local co = weir.spawn(weir.yield)
      local function message(...)
        return (h.raised(co.limit, co, ...):gsub("^.-:%d+: ", ""))
      end
      assert.matches("value expected", message())
      assert.matches("table expected, got number", message(1))
      assert.matches("unknown limit 'instruction'", message { instruction = 1 })
      assert.matches("unknown limit '1'", message { 1 })
      for _, n in ipairs { -1, 1.5, "x", math.huge } do
        assert.matches("limit 'instructions' is not a whole number of at least 0", message { instructions = n })
      end
      for _, s in ipairs { -1, "x", 0 / 0 } do
        assert.matches("limit 'seconds' is not a number of at least 0", message { seconds = s })
      end
      assert.matches("Coroutine expected", select(2, pcall(co.limit, weir.Deferred(), {})))
    end)
  end)

  it("8.1 a LimitError is reported as other failures are", function()
    limited({ instructions = 1000 }, forever)
    weir.step()
    assert.equal(1, #unhandled)
    assert_limit_error(unhandled[1].err)
    assert.matches("^stack traceback:\n\t.-limit_spec", unhandled[1].traceback)
  end)

  it("9.3 never strikes inside the library", function()
    for n = 1, 400 do
      local lock, inside = weir.Lock(), 0
      local function hold()
        inside = inside + 1
        work(5)
        inside = inside - 1
      end
      local co = limited({ instructions = n }, function()
        for _ = 1, 3 do weir.await(lock:run(hold)) end
      end)
      co:add_errback(h.ignore)
      assert.matches("1 of 1 free, 0 waiting", tostring(lock))
    end
  end)
end)
