-- The hard cases a million deep, or a million wide.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

local await, spawn = weir.await, weir.spawn
local MANY = h.scale(1e6)

describe("hard: deep", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
    collectgarbage "stop" -- it would go through what is being built again and again
  end)
  after_each(function()
    collectgarbage "restart"
    h.restore()
  end)

  local function assert_trace(...) assert.are.same({ ... }, t:list()) end

  local function refuses(f, ...) return not pcall(f, ...) end

  -- Is closed at every level of a chain: counts them, and those that come out of order, the innermost being 0.
  local function counter()
    local count = { ended = 0, disordered = 0, refused = 0 }
    function count.__close(level)
      if level[1] ~= count.ended then count.disordered = count.disordered + 1 end
      if refuses(weir.noreturn, h.ignore) then count.refused = count.refused + 1 end
      count.ended = count.ended + 1
    end
    return count
  end

  -- Each of these levels has ended, once, behind the one below it, and could not noreturn in its handler.
  local function assert_counted(count, levels)
    assert.are.same({ levels, 0, levels }, { count.ended, count.disordered, count.refused })
  end

  -- n coroutines, each awaits the one it has started. The last runs bottom; it is number `first`, or 0.
  local function chain(n, bottom, count, first)
    local function level(k)
      local _ <close> = setmetatable({ k }, count)
      if k == (first or 0) then return bottom() end
      return await(spawn(level, k - 1))
    end
    return spawn(level, (first or 0) + n - 1)
  end

  -- Awaits d; when that is cancelled, hangs in its cleanup until it is closed.
  local function hanging(d)
    return function()
      while pcall(await, d) do d = weir.Deferred() end
      t "cleaning"
      while true do pcall(await, parts.traced(t, "forced")) end
    end
  end

  -- n Deferreds, each waiting on the one before, the first on d.
  local function line(n, d)
    return parts.nest(n, d, function(inner)
      return weir.succeed():add_callback(function() return inner end)
    end)
  end

  it("5.9 5.6 paused by itself, cancelled, hung in its cleanup, again cancelled, out of grace", function()
    local root
    local count, other = counter(), line(MANY // 10, parts.traced(t, "other"))
    local leaf = weir.Deferred { pause = function() t "pause" end, unpause = function() t "unpause" end,
      cancel = function()
        t(root:cancel("again"))
        t(other:cancel("its own"))
        root:pause()
      end }
    local top = chain(MANY, hanging(leaf), count)
    root = spawn(function()
      weir.current():pause()
      await(top)
    end)
    assert_trace("pause")
    assert.is_true(root:cancel("why"))
    assert_trace("pause", "unpause", false, "other", true, "cleaning")
    assert.are.equal("its own", parts.failure(other).reason)
    assert.is_false(top:cancel("again", 0))
    clock:advance(4.5)
    assert.are.same({ 0, "waiting", "waiting" }, { count.ended, top:status(), root:status() })
    clock:advance(0.5)
    assert_trace("pause", "unpause", false, "other", true, "cleaning", "forced")
    assert_counted(count, MANY)
    assert.is_true(rawequal(parts.failure(top), parts.failure(root)))
    root:unpause():unpause()
    h.raised(root.unpause, root)
  end)

  it("5.8 9.2 5.7 left by one of two scopes, cancelled with a value on its way, closed in its cleanup", function()
    local count, d = counter(), weir.Deferred()
    local top = chain(MANY, hanging(d), count)
    local function scope_over(name) return parts.watch(t, name, weir.scope(function() return await(top) end)) end
    local one, two = scope_over "one", scope_over "two"
    one:cancel("1")
    assert_trace("one failed: 1")
    spawn(function()
      d:callback()
      t(two:cancel("2"))
    end)
    assert_trace("one failed: 1", true, "cleaning")
    assert.are.equal(0, count.ended)
    t(top:close())
    assert_trace("one failed: 1", true, "cleaning", "forced", "two failed: 2", true)
    assert_counted(count, MANY)
  end)

  it("6.3 5.3 shared by a hundred thousand: paused, cancelled, waiting", function()
    local n, d, cos, told = MANY // 10, parts.hooked(t, "d"), {}, { 0, 0, 0 }
    for i = 1, n do
      cos[i] = spawn(function()
        local ok = pcall(await, d)
        told[i % 3 + 1] = told[i % 3 + 1] + (ok and 1 or -1)
      end)
    end
    local function each(first, f) for i = first, n, 3 do f(cos[i]) end end
    each(3, d.pause)
    each(2, function(co) co:cancel("why") end)
    d:callback()
    assert.are.same({ 0, (n + 2) // 3, -((n + 1) // 3) }, told)
    each(3, d.unpause)
    assert.are.same({ n // 3, (n + 2) // 3, -((n + 1) // 3) }, told)
    assert_trace()
  end)

  it("5.2 6.3 diamonds upon each other: held, freed, fired; and cancelled", function()
    local function ladder(levels, d)
      return parts.nest(levels, d, function(below)
        local left, right, above = weir.Deferred(), weir.Deferred(), weir.Deferred()
        below:chain(left):chain(right)
        left:chain(above)
        right:chain(above)
        return above
      end)
    end
    local cancelled, fired = parts.hooked(t, "cancelled"), parts.hooked(t, "fired")
    local top = ladder(MANY // 6, cancelled)
    top:pause():unpause():pause()
    assert.is_true(top:cancel("why"))
    assert_trace("pause cancelled", "unpause cancelled", "pause cancelled", "unpause cancelled", "cancel cancelled")
    assert.is_true(rawequal(parts.failure(cancelled), parts.failure(top)))
    assert.are.same({}, parts.reported(reports))
    top = ladder(MANY // 6, fired):pause()
    fired:callback("v")
    assert.are.equal("pending", top:status())
    assert.are.equal("success", top:unpause():status())
  end)

  it("4.1 4.3 hops from ten deep, under three pcalls, with a hundred arguments: constant memory", function()
    local hops, first, closed = MANY // 10, nil, 0
    local closer = setmetatable({}, { __close = function() closed = closed + 1 end })
    local hop
    local function deep(depth, ...)
      local _ <close> = depth == 5 and closer or nil
      if depth == 10 then pcall(pcall, pcall, weir.noreturn, hop, ...) end
      deep(depth + 1, ...)
    end
    function hop(i, ...)
      if i == 100 then h.collect(); first = collectgarbage "count" end
      if i == hops then return select("#", ...), ... end
      deep(1, i + 1, ...)
    end
    collectgarbage "restart"
    local arguments = parts.list(99, function(i) return { i } end)
    local co = spawn(hop, 1, table.unpack(arguments))
    h.collect()
    assert.is_true(collectgarbage "count" - first < 64)
    assert.are.same({ 99, table.unpack(arguments) }, { co:result() })
    assert.are.equal(hops - 1, closed)
  end)

  it("4.2 coroutines that each went on to the next: held, freed, cancelled", function()
    local leaf = parts.hooked(t, "leaf")
    local function go(i)
      if i == MANY then return await(leaf) end
      weir.noreturn(spawn(go, i + 1))
    end
    local co = spawn(go, 1)
    co:pause():unpause():pause()
    assert.is_true(co:cancel("why"))
    assert_trace("pause leaf", "unpause leaf", "pause leaf", "unpause leaf", "cancel leaf")
    assert.is_true(rawequal(parts.failure(leaf), parts.failure(co)))
  end)

  it("4.2 coroutines that each went on to the one before, which had failed: reported once", function()
    local co = parts.nest(MANY, weir.fail("e"), function(failed) return spawn(weir.noreturn, failed) end)
    weir.step()
    assert.are.equal("failure", co:status())
    assert.are.equal(1, #reports)
    assert.is_true(rawequal(co, reports[1].d))
  end)

  it("6.2 3.5 timers frozen, let go backwards, some of them frozen again", function()
    local timers, fired = {}, {}
    for i = 1, MANY do
      timers[i] = weir.after(1 + i % 2)
      timers[i]:add_callback(function() fired[#fired + 1] = i end)
    end
    clock:advance(0.5)
    for i = 1, MANY do timers[i]:pause() end
    clock:advance(1000)
    for i = MANY, 1, -1 do timers[i]:unpause() end
    for i = 1, MANY, 1000 do timers[i]:pause() end
    clock:advance(1)
    assert.are.equal(MANY // 2, #fired)
    for i = 1, MANY, 1000 do timers[i]:unpause() end
    clock:advance(2)
    assert.are.equal(MANY, #fired)
    local function expect(at, i) if fired[at] ~= i then error(("%d is %d, not %d"):format(at, fired[at], i)) end end
    for at = 1, MANY // 2 do expect(at, MANY - 2 * (at - 1) - MANY % 2) end -- those of one second
    for k = 0, MANY // 1000 - 1 do expect(MANY - MANY // 1000 + 1 + k, 1 + 1000 * k) end
  end)

  it("6.2 hooks below it that raise, fire, and cancel it", function()
    local function hook(name, f) return function(d) t(name); f(d) end end
    local act = parts.raise "p"
    local leaf = weir.Deferred {
      pause = hook("pause", function(d) act(d) end),
      unpause = hook("unpause", parts.raise "u"),
    }
    local top = line(MANY, leaf)
    assert.are.equal("p", h.raised(top.pause, top))
    assert.are.equal("u", h.raised(top.unpause, top))
    act = parts.succeed_with "v"
    top:pause()
    assert.are.same({ "pending", "pending" }, { leaf:status(), top:status() })
    assert.are.equal("v", top:unpause():result())
    leaf = weir.Deferred { pause = hook("pause", function() t(top:cancel("why")) end) }
    top = line(MANY, leaf)
    top:pause():unpause()
    assert_trace("pause", "unpause", "pause", "pause", true)
    assert.are.equal("why", parts.failure(top).reason)
  end)

  it("3.8 collected when the last handle is dropped, which is that of the bottom", function()
    local count, half, handles = counter(), MANY // 2, {}
    local function bottom()
      handles.bottom = weir.current()
      await(weir.Deferred())
    end
    handles.top = chain(half, function()
      handles.middle = weir.current()
      await(chain(half, bottom, count))
    end, count, half)
    handles.middle, handles.top = nil, nil
    collectgarbage()
    weir.step()
    assert.are.equal("waiting", handles.bottom:status())
    handles.bottom = nil
    collectgarbage()
    weir.step()
    assert_counted(count, MANY)
  end)

  it("5.1 8.4 cancellers that each cancel the next, deeper than the C stack: each ends, or was not reached", function()
    local list, asked = {}, 0
    for i = 1, 10000 do
      list[i] = weir.Deferred(function()
        asked = asked + 1
        if list[i + 1] then list[i + 1]:cancel() end
      end)
    end
    assert.is_true(list[1]:cancel())
    for i, d in ipairs(list) do
      local is_pending = d:status() == "pending"
      -- The call of the one behind the last may have been refused: then that is its failure.
      if i ~= asked + 1 and is_pending ~= (i > asked) then error(i .. " of " .. asked .. ": " .. d:status()) end
    end
    assert.is_true(asked > 50)
  end)
end)
