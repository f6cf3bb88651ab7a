-- weir.timing on a clock that only spend() moves (time.c): so each figure is exact. Run by `make frames-spec`.
local weir = require "weir"
local functions = require("weir.core").functions
local h = require "spec.helper"

local core = assert(package.searchpath("weir.core", package.cpath))
local spend = assert(package.loadlib(core, "luaopen_spend"))()

local spawn, await, timing = weir.spawn, weir.await, weir.timing
local MS = 1 / 1024 -- times are exact so

describe("timing", function()
  before_each(function()
    h.unhandled()
    h.manual()
    timing(true)
  end)
  after_each(h.restore)

  local function ran(co)
    local seconds = functions.ran(co)
    return seconds and seconds / MS
  end

  -- What stats has of it, in units of MS.
  local function total() return weir.stats().ran / MS end
  local function longest()
    local stats = weir.stats()
    return stats.longest_resume / MS, stats.longest_resume_of
  end
  local function latency()
    local q = weir.stats().queue_latency
    return { q.count, q.total / MS, q.mean / MS, q.max / MS }
  end

  -- The line of the caller, as the place of a body that begins there.
  local function here()
    local info = debug.getinfo(2, "Sl")
    return ("%s:%d"):format(info.short_src, info.currentline)
  end

  describe("of resumes", function()
    it("is the sum of each coroutine's, and of all", function()
      local gate = weir.Deferred()
      local one = spawn(function() spend(1 * MS); await(gate); spend(4 * MS); weir.yield() end)
      local two = spawn(function() spend(2 * MS); await(gate); spend(8 * MS); weir.yield() end)
      spend(100 * MS) -- the host's own
      assert.same({ 1, 2, 3 }, { ran(one), ran(two), total() })
      gate:callback()
      assert.same({ 5, 10, 15 }, { ran(one), ran(two), total() })
    end)

    it("is what weir.tasks has", function()
      local co = spawn(function() spend(1 * MS); weir.yield() end)
      local function seen()
        for task in weir.tasks() do if task.co == co then return task.ran end end
      end
      assert.equal(1 * MS, seen())
      timing(false)
      assert.is_nil(seen())
    end)

    it("is known while a body has not ended, and as long as it is on", function()
      local co = spawn(function() spend(1 * MS); weir.yield(); spend(1 * MS) end)
      local before = weir.inline(false)
      local new = spawn(h.ignore)
      weir.inline(before)
      assert.same({ 1, 0 }, { ran(co), ran(new) })
      weir.step()
      assert.is_nil(ran(co))
      assert.is_nil(ran(new))
      co = spawn(weir.sleep, 1)
      timing(false)
      assert.is_nil(ran(co))
    end)

    it("has what a callee ran at its start as the callee's", function()
      local inner
      local outer = spawn(function()
        spend(1 * MS)
        inner = spawn(function() spend(10 * MS); weir.yield() end)
        spend(2 * MS)
        weir.yield()
      end)
      assert.same({ 3, 10, 13 }, { ran(outer), ran(inner), total() })
      assert.equal(10, (longest()))
    end)

    it("has callbacks that a coroutine fires, and those behind its end, as its own", function()
      local gate = weir.Deferred():add_callback(function() spend(1 * MS) end)
      local co = spawn(function()
        gate:callback()
        weir.yield()
        spend(2 * MS)
      end)
      assert.equal(1, ran(co))
      co:add_callback(function() spend(4 * MS) end)
      weir.step()
      assert.same({ 7, 6 }, { total(), (longest()) })
    end)

    it("has what runs in a generator", function()
      local co = spawn(function()
        local next_one = weir.wrap(function()
          spend(1 * MS)
          weir.yield() -- of the coroutine
          spend(2 * MS)
          coroutine.yield(1)
        end)
        next_one()
        weir.yield()
      end)
      assert.equal(1, ran(co))
      weir.step()
      assert.equal(3, ran(co))
    end)

    it("has handlers of one that is closed as its own, not as those of who closes it", function()
      local closed = spawn(function()
        local _ <close> = setmetatable({}, { __close = function() spend(10 * MS) end })
        weir.sleep(1)
      end)
      local closer = spawn(function()
        spend(1 * MS)
        closed:close()
        weir.yield()
      end)
      assert.same({ 1, 11 }, { ran(closer), total() })
    end)

    it("goes on along a noreturn, handlers included", function()
      local co = spawn(function()
        local _ <close> = setmetatable({}, { __close = function() spend(2 * MS) end })
        spend(1 * MS)
        weir.noreturn(function() spend(4 * MS); weir.yield() end)
      end)
      assert.same({ 7, 7 }, { ran(co), total() })
    end)

    it("counts each slice of one that is preempted", function()
      local co = spawn(function()
        weir.current():slice(1000)
        while true do spend(1 * MS) end
      end)
      local first = ran(co)
      assert.is_true(first > 0)
      assert.equal(first, (longest()))
      weir.step()
      assert.is_true(ran(co) > first)
      assert.equal(total(), ran(co))
      co:close()
    end)

    it("is not disturbed by errors, in bodies or handlers", function()
      spawn(function()
        local _ <close> = setmetatable({}, { __close = function() spend(2 * MS); error "in the handler" end })
        spend(1 * MS)
        error "in the body"
      end)
      assert.equal(3, total())
      spawn(function()
        local _ <close> = setmetatable({}, { __close = function() spend(2 * MS); error "in the handler" end })
        weir.sleep(1)
      end):close()
      assert.equal(5, total())
      weir.Deferred():add_callback(function() spend(100 * MS); error "in a callback" end):callback()
      local co = spawn(function() spend(1 * MS); weir.yield() end)
      assert.same({ 6, 1 }, { total(), ran(co) })
    end)

    it("is not disturbed by bodies that others have resumed or closed", function()
      local thread
      local co = spawn(function() thread = coroutine.running(); weir.yield() end)
      coroutine.close(thread)
      weir.step()
      assert.equal("failure", co:status())
      local after = spawn(function() spend(1 * MS); weir.yield() end)
      assert.same({ 1, 1 }, { total(), ran(after) })
    end)

    it("knows each of many, while others come and go", function()
      local n, list = h.scale(20000), {}
      for i = 1, n do
        list[i] = spawn(function()
          spend(i * MS)
          weir.yield()
          if i % 3 == 0 then return end
          weir.sleep(1)
        end)
      end
      weir.step()
      for i = 1, n do
        local expected = i % 3 ~= 0 and i or nil
        if ran(list[i]) ~= expected then assert.equal(expected, ran(list[i])) end
      end
    end)
  end)

  describe("of the longest resume", function()
    it("tells whose it was: by name, else by where the body is", function()
      weir.coroutine(function() spend(1 * MS) end, "short")()
      assert.same({ 1, "short" }, { longest() })
      weir.coroutine(function() spend(3 * MS) end, "long")()
      weir.coroutine(function() spend(2 * MS) end, "between")()
      assert.same({ 3, "long" }, { longest() })
      local place = here(); spawn(function() spend(4 * MS) end)
      assert.same({ 4, place }, { longest() })
    end)

    it("knows where a body is that began before, however deep it waits", function()
      timing(false)
      local gate = weir.Deferred()
      local function deep(n)
        if n > 0 then deep(n - 1) else await(gate) end
        return n
      end
      local place = here(); spawn(function() deep(100); spend(1 * MS) end)
      timing(true)
      gate:callback()
      assert.same({ 1, place }, { longest() })
    end)

    it("knows the body that a noreturn went on with", function()
      local place
      spawn(function()
        place = here(); weir.noreturn(function() spend(1 * MS) end)
      end)
      assert.same({ 1, place }, { longest() })
    end)

    it("says what it can of a body in C", function()
      spawn(spend, 1 * MS)
      assert.same({ 1, "[C]" }, { longest() })
      spawn(setmetatable({}, { __call = function() spend(2 * MS) end }))
      assert.equal(2, (longest()))
    end)

    it("keeps a long name's beginning", function()
      weir.coroutine(function() spend(1 * MS) end, ("x"):rep(1000))()
      assert.equal(("x"):rep(79), select(2, longest()))
    end)
  end)

  describe("of the queue", function()
    it("is from a wake to the resume", function()
      local gate = weir.Deferred()
      for _ = 1, 3 do spawn(function() await(gate); spend(2 * MS) end) end
      gate:callback() -- they wait for 0, 2 and 4
      assert.same({ 3, 6, 2, 4 }, latency())
    end)

    it("is also that of a start that has to wait for its turn", function()
      local old = weir.inline(false)
      spawn(h.ignore)
      weir.inline(old)
      spend(3 * MS)
      weir.step()
      assert.same({ 1, 3, 3, 3 }, latency())
    end)

    it("has no yields, and no waits that have not ended", function()
      spawn(function() weir.yield(); weir.sleep(1) end)
      spend(3 * MS)
      weir.step()
      assert.same({ 0, 0, 0, 0 }, latency())
    end)

    it("is not the time in which it is held", function()
      local gate = weir.Deferred()
      local co = spawn(await, gate)
      co:pause()
      gate:callback()
      spend(10 * MS)
      local old = weir.inline(false)
      co:unpause()
      weir.inline(old)
      spend(1 * MS)
      weir.step()
      assert.same({ 1, 1, 1, 1 }, latency())
    end)

    it("is not that of a close, which does not wait for it", function()
      local gate = weir.Deferred()
      local co = spawn(await, gate)
      local old = weir.inline(false)
      gate:callback()
      weir.inline(old)
      spend(1 * MS)
      co:close()
      weir.step()
      assert.same({ 0, 0, 0, 0 }, latency())
    end)

    it("has what a budget left for later in the queue all the time", function()
      local gate = weir.Deferred()
      for _ = 1, 2 do spawn(function() await(gate); spend(2 * MS) end) end
      local old = weir.inline(false)
      gate:callback()
      weir.inline(old)
      weir.step(1 * MS)
      spend(10 * MS)
      weir.step(1 * MS)
      assert.same({ 2, 12, 6, 12 }, latency())
    end)

    -- Seconds -> number of its bucket.
    local BUCKETS = { [0] = 1, [0.5e-6] = 1, [1e-6] = 2, [1.9e-6] = 2, [2.1e-6] = 3, [1] = 21, [60] = 27, [100] = 28,
      [1e6] = 28 }
    for seconds, bucket in pairs(BUCKETS) do
      it(("counts %g seconds in bucket %d"):format(seconds, bucket), function()
        local old = weir.inline(false)
        spawn(h.ignore)
        weir.inline(old)
        spend(seconds)
        weir.step()
        local buckets = weir.stats().queue_latency.buckets
        assert.equal(28, #buckets)
        for i, n in ipairs(buckets) do assert.equal(i == bucket and 1 or 0, n) end
      end)
    end
  end)

  describe("on and off", function()
    it("returns whether it was on, and takes a boolean or nothing", function()
      assert.is_true(timing())
      assert.is_true(timing(false))
      assert.is_false(timing(nil))
      assert.is_false(timing(true))
      assert.is_true(timing(true))
      assert.matches("bad argument #1 to 'weir.timing' %(boolean expected, got number%)", h.raised(timing, 1))
    end)

    it("is not in the stats while it is off", function()
      timing(false)
      local stats = weir.stats()
      assert.same({}, { stats.ran, stats.longest_resume, stats.longest_resume_of, stats.queue_latency })
    end)

    it("begins anew when it comes on, and goes on when it was", function()
      local co = spawn(function() spend(1 * MS); weir.yield() end)
      timing(true)
      assert.same({ 1, 1 }, { total(), ran(co) })
      timing(false)
      timing(true)
      assert.same({ 0, 0, nil }, { total(), longest() })
      assert.is_nil(ran(co)) -- it has not run since
    end)

    it("in a coroutine, it is there for all that is resumed from then on", function()
      timing(false)
      local inner
      local outer = spawn(function()
        timing(true)
        spend(1 * MS)
        inner = spawn(function() spend(2 * MS); weir.yield() end)
        spend(4 * MS)
        weir.yield()
      end)
      assert.same({ 4, 2, 6 }, { ran(outer), ran(inner), total() })
    end)

    it("in a coroutine, what it ran before is not counted when it goes off and on", function()
      local co = spawn(function()
        spend(1 * MS)
        timing(false)
        spend(2 * MS)
        timing(true)
        spend(4 * MS)
        weir.yield()
        spend(8 * MS)
        weir.yield()
      end)
      assert.equal(4, total())
      weir.step()
      assert.same({ 12, 8 }, { total(), ran(co) })
    end)

    it("in a coroutine that ends, or in a callback or handler of it, nothing is left open", function()
      for _, on in ipairs { true, false } do
        timing(not on)
        spawn(timing, on)
        spawn(h.ignore):add_callback(function() timing(not on) end)
        timing(not on)
        local co = spawn(function() weir.yield() end)
        co:add_callback(function() timing(on) end)
        weir.step()
        timing(not on)
        spawn(function()
          local _ <close> = setmetatable({}, { __close = function() timing(on) end })
          weir.sleep(1)
        end):close()
        timing(not on)
        spawn(function()
          local _ <close> = setmetatable({}, { __close = function() timing(on) end })
          weir.noreturn(h.ignore)
        end)
        timing(not on)
        spawn(function()
          local _ <close> = setmetatable({}, { __close = function() timing(on) end })
          error "nobody handles it"
        end)
        timing(false)
        timing(true)
        co = spawn(function() spend(1 * MS); weir.yield() end)
        assert.same({ 1, 1 }, { total(), ran(co) })
      end
    end)

    it("leaves the state alone that is closed meanwhile", function()
      local process = require "spec.process"
      local output, ok = process.run [[
        local weir = require "weir"
        weir.timing(true)
        for _ = 1, 100 do weir.spawn(weir.sleep, 1) end
        weir.spawn(function()
          local _ <close> = setmetatable({}, { __close = function() weir.timing(false); weir.timing(true) end })
          weir.sleep(1)
        end)
      ]]
      assert.same({ "", true }, { output, ok })
    end)
  end)
end)
