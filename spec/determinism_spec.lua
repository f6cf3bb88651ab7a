-- 3.5: the same program on the same clock does the same, whatever else there is in the state and in the process.
-- Programs hold all that they make: what is dropped is found (3.8) and reported (8.1) when the collector comes by.
local h = require "spec.helper"
local process = require "spec.process"
local program = require "spec.model.program"
local run = require "spec.model.run"
local weir = require "weir"

local FIRST, PROGRAMS, STAGE = 5000000, h.scale(300), 7 -- none of these asks for a collection itself

local function text_of(seed)
  local list = program.generate(seed, STAGE)
  list.holds = true
  run.number(list)
  return table.concat(run.weir(weir, list), "\n")
end

local function play(ways)
  for seed = FIRST, FIRST + PROGRAMS - 1 do
    local usual
    for name, way in pairs(ways) do
      way()
      local text = text_of(seed)
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
