-- 3.5: the same program on the same clock does the same, whatever else there is in the state and in the process.
-- Programs hold all that they make: what is dropped is found (3.8) and reported (8.1) when the collector comes by.
local h = require "spec.helper"
local process = require "spec.process"
local program = require "spec.model.program"
local run = require "spec.model.run"
local shape = require "spec.model.shape"
local weir = require "weir"

local FIRST, PROGRAMS, STAGE = 5000000, h.scale(300), 7 -- none of these asks for a collection itself

local function text_of(seed, api)
  local list = program.generate(seed, STAGE)
  list.holds = true
  run.number(list)
  return table.concat(run.weir(api or weir, list), "\n")
end

-- Each way prepares what it is about; it may return another module.
local function play(ways)
  for seed = FIRST, FIRST + PROGRAMS - 1 do
    local usual
    for name, way in pairs(ways) do
      local text = text_of(seed, way())
      collectgarbage "restart"
      usual = usual or text
      assert.equal(usual, text, ("seed %d, %s"):format(seed, name))
    end
  end
end

-- A state in which n threads wait in the pool, and as many coroutines have been.
local function fill_pool(n)
  local gate, list = weir.Deferred(), {}
  for i = 1, n do list[i] = weir.spawn(weir.await, gate) end
  gate:callback()
  for _, co in ipairs(list) do assert(co:status() == "success") end
end

describe("the same program", function()
  after_each(function()
    collectgarbage "restart"
    collectgarbage("incremental", 200, 100)
    h.restore()
  end)

  it("3.5 gives the same trace with any collector", function()
    play {
      none = function() collectgarbage "stop" end,
      incremental = function() collectgarbage("incremental", 200, 100) end,
      ["always on"] = function() collectgarbage("incremental", 10, 1000, 4) end,
      generational = function() collectgarbage("generational", 1, 10) end,
    }
  end)

  it("3.5 gives the same trace with any pool of threads", function()
    play {
      full = function() fill_pool(500) end,
      small = function() h.collect(); fill_pool(1) end,
      ["as it is"] = h.ignore,
    }
  end)

  it("3.5 gives the same trace wherever its objects lie", function()
    local n, junk = 0, nil
    local function shift()
      n, junk = n + 1, {}
      for i = 1, 50 do junk[i] = i % 3 == 0 and weir.Deferred() or ("x"):rep((n * 37 + i * 11) % 400) .. i end
      for i = 1, 50, 2 do junk[i] = false end
      if n % 4 == 0 and #junk == 50 then collectgarbage() end
    end
    play { one = shift, another = shift, ["a third"] = shift }
  end)

  local function changed(api)
    return setmetatable(api, { __index = weir })
  end

  -- A clock that goes as the one does that is driven.
  local function driving(driven, clock)
    local methods = { advance = function(_, seconds) return driven:advance(seconds) end }
    return changed {
      Clock = function() return setmetatable({ clock = clock }, { __index = methods }) end,
      clock = function(k) return weir.clock(type(k) == "table" and k.clock or k) end,
    }
  end

  it("7.2 gives the same trace on a clock that follows another one, and on one that follows that", function()
    play {
      itself = h.ignore,
      one = function()
        local driven = weir.Clock()
        return driving(driven, weir.Clock { parent = driven })
      end,
      two = function()
        local driven = weir.Clock()
        return driving(driven, weir.Clock { parent = weir.Clock { parent = driven, speed = 2 }, speed = 0.5 })
      end,
    }
  end)

  it("3.1 4.2 gives the same trace when coroutines begin in another way", function()
    local function spawning(spawn)
      return function() return changed { spawn = spawn } end
    end
    play {
      spawned = h.ignore,
      decorated = spawning(function(f) return weir.coroutine(weir.coroutine(f, "inner"), "outer")() end),
      ["by a hop"] = spawning(function(f) return weir.spawn(function() return weir.noreturn(f) end) end),
      ["by a C function"] = spawning(function(f) return weir.spawn(weir.noreturn, weir.coroutine(f)) end),
    }
  end)

  -- There a yield is the generator's, and a hop is none of its business.
  local function may_be_in_generator(seed)
    local may = true
    shape.each(program.generate(seed, STAGE), function(op)
      if op[1] == "yielded" or op[1] == "noreturn" or op[1] == "noreturn_to" then may = false end
    end)
    return may
  end

  it("3.6 5.5 gives the same trace when all bodies run in generators", function()
    local inside = changed { spawn = function(f) return weir.spawn(function() return weir.wrap(f)() end) end }
    local n = 0
    for seed = FIRST, FIRST + 4 * PROGRAMS - 1 do
      if may_be_in_generator(seed) then
        n = n + 1
        assert.equal(text_of(seed), text_of(seed, inside), ("seed %d"):format(seed))
      end
    end
    assert.is_true(n > PROGRAMS / 4)
  end)

  it("3.5 gives the same trace in another process, where addresses and the order of hashes are others", function()
    local own = {}
    for seed = FIRST, FIRST + PROGRAMS - 1 do own[#own + 1] = text_of(seed) end
    for _ = 1, 3 do
      local output, ok = process.run(([[
        local program = require "spec.model.program"
        local run = require "spec.model.run"
        local weir = require "weir"
        for seed = %d, %d do
          local list = program.generate(seed, %d)
          list.holds = true
          run.number(list)
          print(table.concat(run.weir(weir, list), "\n"))
        end
      ]]):format(FIRST, FIRST + PROGRAMS - 1, STAGE))
      assert.is_true(ok, output)
      assert.equal(table.concat(own, "\n") .. "\n", output)
    end
  end)
end)
