-- Collection of coroutines that wait for each other, dropped and found in any order.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

-- All orders of a list.
local function permutations(list)
  if #list == 0 then return { {} } end
  local result = {}
  for i = 1, #list do
    local rest = { table.unpack(list) }
    local first = table.remove(rest, i)
    for _, tail in ipairs(permutations(rest)) do result[#result + 1] = { first, table.unpack(tail) } end
  end
  return result
end

describe("hard: collection", function()
  local reports
  before_each(function()
    h.manual()
    reports = h.unhandled()
  end)
  after_each(function()
    collectgarbage "incremental"
    h.restore()
  end)

  -- What each of a graph waits for: a diamond with a chain below it. The bottom one waits for a leaf.
  local GRAPH = { top = { "left", "right" }, left = { "middle" }, right = { "middle" }, middle = { "bottom" } }
  local NAMES = { "top", "left", "right", "middle", "bottom" }

  -- All orders of these, or some of them under WEIR_SCALE=small.
  local function orders()
    local all = permutations(NAMES)
    local n = h.scale(#all)
    return parts.list(n, function(i) return all[(i - 1) * #all // n + 1] end)
  end

  local function wait_for(list)
    if #list > 1 then return weir.await(weir.settle(list)) end
    return weir.await(list[1])
  end

  -- Starts the coroutines of the graph in that order; each begins to wait when all are there. Returns them
  -- by name, and what the bottom one waits for. log(name) is called when one ends, by whatever way.
  local function build(order, log)
    local gate, leaf, cos = weir.Deferred(), weir.Deferred(), {}
    for _, name in ipairs(order) do
      cos[name] = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() log(name) end })
        weir.await(gate)
        local list = {}
        for i, below in ipairs(GRAPH[name] or {}) do list[i] = cos[below] end
        gate = nil
        return wait_for(list[1] and list or { leaf })
      end)
    end
    gate:callback()
    return cos, leaf
  end

  local function assert_each_once(log)
    table.sort(log)
    assert.are.same({ "bottom", "left", "middle", "right", "top" }, log)
  end

  -- A name is gone from what it returns when that one has been collected. The graph itself is left to nobody.
  local function build_weak(order, log)
    local cos, weak = build(order, log), parts.weak()
    for _, name in ipairs(NAMES) do weak[cos[name]] = name end
    return weak
  end

  it("3.8 whatever order they were started in: each is cleaned up once, and goes", function()
    for _, order in ipairs(orders()) do
      local log = h.trace()
      local weak = build_weak(order, log)
      h.collect()
      assert.are.same({}, log:list())
      weir.step()
      assert_each_once(log:list())
      assert.is_true(h.released(weak), table.concat(order, " "))
    end
    assert.are.same({}, parts.reported(reports))
  end)

  it("3.8 the same start, the same order of cleanups", function()
    local function cleanups(order)
      local log = h.trace()
      build_weak(order, log)
      h.collect()
      weir.step()
      return log:list()
    end
    for _, order in ipairs(orders()) do assert.are.same(cleanups(order), cleanups(order)) end
  end)

  it("3.8 whichever handle is dropped last, nobody is found before", function()
    for _, order in ipairs(orders()) do
      local log = h.trace()
      local cos = build(NAMES, log)
      for _, name in ipairs(order) do
        h.collect()
        weir.step()
        assert.are.same({}, log:list())
        cos[name] = nil
      end
      h.collect()
      weir.step()
      assert_each_once(log:list())
    end
  end)

  it("3.8 while what the bottom one waits for is held nobody is found, and the fire reaches the top", function()
    for _, order in ipairs(orders()) do
      local log = h.trace()
      local _, leaf = build(order, log)
      h.collect()
      weir.step()
      assert.are.same({}, log:list())
      leaf:callback("v")
      local sides = { "left", "right" } -- those that wait for the middle one, in the order in which they began
      if table.concat(order, " "):find "right.*left" then sides = { "right", "left" } end
      assert.are.same({ "bottom", "middle", sides[1], sides[2], "top" }, log:list())
    end
  end)

  it("3.8 some of them paused, one in its cleanup: each is cleaned up once", function()
    local states = {
      function(cos) cos.top:pause() end,
      function(cos) cos.middle:pause():pause() end,
      function(cos) for _, co in pairs(cos) do co:pause() end end,
      function(cos) cos.left:cancel("by hand") end,
    }
    for _, change in ipairs(states) do
      local log = h.trace()
      change((build(NAMES, log)))
      h.collect()
      weir.step()
      assert_each_once(log:list())
    end
  end)

  it("3.8 a collector that goes in small steps finds each once, in both modes", function()
    for _, mode in ipairs { "incremental", "generational" } do
      for i, order in ipairs(orders()) do
        collectgarbage(mode)
        local log = h.trace()
        local weak = build_weak(order, log)
        for _ = 1, 100 do
          collectgarbage("step", i % 7)
          weir.step()
        end
        h.collect() -- what has grown old in generations
        weir.step()
        assert_each_once(log:list())
        assert.is_true(h.released(weak))
      end
    end
  end)

  it("3.8 on the thread of one that a finalizer ended, while its own was still to come: found as any other", function()
    local log = h.trace()
    local function ended_by_finalizer()
      local co = weir.spawn(weir.await, weir.Deferred())
      setmetatable({}, { __gc = function() co:close() end }) -- younger than what tells that co is lost: it is first
    end
    local function lose()
      weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() log "cleaned up" end })
        weir.await(weir.Deferred())
      end)
    end
    ended_by_finalizer()
    collectgarbage()
    lose()
    h.collect()
    weir.step()
    assert.are.same({ "cleaned up" }, log:list())
  end)

  -- A graph of n coroutines: each waits for up to three of those made before it, or for a leaf of its own.
  local function random_graph(n, pick, log)
    local cos, weak = {}, parts.weak()
    for i = 1, n do
      cos[i] = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() log(i) end })
        local list = {}
        for k = 1, math.min(i - 1, pick(4) - 1) do list[k] = cos[pick(i - 1)] end
        wait_for(list[1] and list or { weir.Deferred() })
      end)
      weak[cos[i]] = true
    end
    return cos, weak
  end

  -- Whole numbers from 1 to n, the same ones each time.
  local function numbers(seed)
    local x = seed
    return function(n)
      x = (x * 1103515245 + 12345) % 2147483648
      return x // 65536 % n + 1
    end
  end

  it("3.8 graphs at random, dropped one by one: all are cleaned up once, and go", function()
    local n = 60
    for seed = 1, h.scale(200) do
      local pick, log = numbers(seed), h.trace()
      local cos, weak = random_graph(n, pick, log)
      while #cos > 0 do
        table.remove(cos, pick(#cos))
        if pick(4) == 1 then collectgarbage("step", pick(50)) end
        if pick(4) == 1 then weir.step() end
      end
      h.collect()
      weir.step()
      table.sort(log:list())
      assert.are.same(parts.list(n, function(i) return i end), log:list(), "seed " .. seed)
      assert.is_true(h.released(weak), "seed " .. seed)
    end
    assert.are.same({}, parts.reported(reports))
  end)
end)
