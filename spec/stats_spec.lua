-- weir.stats: what is counted, and what there is at the moment.
local h = require "spec.helper"
local weir = require "weir"

local spawn, await = weir.spawn, weir.await

describe("stats", function()
  local clock
  before_each(function()
    h.unhandled()
    h.collect()
    weir.step()
    clock = h.manual()
  end)
  after_each(h.restore)

  -- Those of these names as a list, with `since` taken off.
  local function take(names, since)
    local stats, list = weir.stats(), {}
    for name in names:gmatch "%S+" do list[#list + 1] = stats[name] - (since and since[name] or 0) end
    return list
  end

  local function gauges() return take "live running ready waiting paused" end

  it("are integers, in a table of their own each time", function()
    local one, n = weir.stats(), 0
    for name, value in pairs(one) do
      assert.equal("string", type(name))
      assert.equal("integer", math.type(value))
      n = n + 1
    end
    assert.equal(14, n)
    one.live = nil
    assert.equal("integer", math.type(weir.stats().live))
  end)

  it("counts what is made and what is resumed, also at a start in place and behind a hop", function()
    local since = weir.stats()
    spawn(function() -- one
      spawn(h.ignore) -- two, and the first goes on: three
      weir.yield() -- four, with the next step
      weir.noreturn(h.ignore) -- five
    end)
    assert.same({ 2, 3, 0 }, take("spawned switches wakes", since))
    weir.step()
    assert.same({ 2, 5, 0 }, take("spawned switches wakes", since))
  end)

  it("counts a wake for each waiter, none for an outcome that is there and none for a yield", function()
    local gate, since = weir.Deferred(), weir.stats()
    for _ = 1, 3 do spawn(await, gate) end
    gate:callback()
    spawn(await, gate)
    spawn(weir.yield)
    weir.step()
    assert.same({ 3 }, take("wakes", since))
  end)

  it("counts everything that a cancel reaches, once", function()
    local gate, since = weir.Deferred(), weir.stats()
    local inner = spawn(await, gate)
    local outer = spawn(await, inner)
    outer:cancel()
    outer:cancel()
    assert.same({ 3 }, take("cancels", since)) -- outer, inner, gate
  end)

  it("counts what the collector finds, once, and reports of failures", function()
    local since = weir.stats()
    spawn(function()
      local _ <close> = setmetatable({}, { __close = function() weir.sleep(1) end })
      await(weir.Deferred())
    end)
    spawn(error, "nobody saw it")
    weir.step()
    h.collect()
    weir.step()
    assert.same({ 1, 1 }, take("collected unhandled", since))
    clock:advance(1)
    weir.step()
    assert.same({ 1, 1 }, take("collected unhandled", since))
  end)

  it("tells how those that live are", function()
    assert.same({ 0, 0, 0, 0, 0 }, gauges())
    local gate = weir.Deferred()
    local held, outer, inner = spawn(await, gate), nil, nil
    held:pause()
    spawn(weir.yield)
    spawn(weir.sleep, 1)
    spawn(function()
      spawn(function() inner = gauges() end)
      outer = gauges()
    end)
    assert.same({ 5, 2, 1, 1, 1 }, inner)
    assert.same({ 4, 1, 1, 1, 1 }, outer)
    assert.same({ 3, 0, 1, 1, 1 }, gauges())
    held:cancel()
    clock:advance(1)
    weir.step()
    assert.same({ 0, 0, 0, 0, 0 }, gauges())
  end)

  it("counts who has begun and not yet waited, also from a callback that it runs", function()
    local seen
    spawn(function()
      weir.Deferred():add_callback(function() seen = gauges() end):callback()
    end)
    assert.same({ 1, 1, 0, 0, 0 }, seen)
  end)

  it("one without a body is not alive: it ended, failed, was closed or goes on as another", function()
    local gate = weir.Deferred()
    spawn(h.ignore)
    spawn(error, "nobody saw it")
    spawn(weir.sleep, 1):close()
    local adopter = spawn(function() return gate end)
    assert.equal("waiting", adopter:status())
    assert.same({ 0, 0, 0, 0, 0 }, gauges())
  end)

  it("counts timers of the real clock and of the loop's, armed ones", function()
    local since = weir.stats()
    local sleeper = spawn(weir.sleep, 1)
    weir.after(2)
    clock:timeout(weir.Deferred(), 3)
    weir.Clock():after(4) -- nobody's
    assert.same({ 3 }, take("timers", since))
    sleeper:pause()
    assert.same({ 2 }, take("timers", since))
    sleeper:unpause()
    clock:advance(3)
    assert.same({ 0 }, take("timers", since))
  end)

  it("counts threads that wait to be used again", function()
    local gate = weir.Deferred()
    for _ = 1, 5 do spawn(await, gate) end
    local before = weir.stats().pool
    gate:callback()
    assert.equal(before + 5, weir.stats().pool)
    spawn(h.ignore)
    assert.equal(before + 5, weir.stats().pool)
  end)
end)
