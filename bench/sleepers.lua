--- Coroutines that sleep until deadlines in random order, from start to end.
local weir = require "weir"
local resume, yield = coroutine.resume, coroutine.yield

local function delays(n)
  local list = {}
  math.randomseed(1)
  for i = 1, n do
    list[i] = 1 + math.random()
  end
  return list
end

return {
  name = "sleepers, each",
  n = 1000000,
  target = 2.0,
  growth = 1.3 * 6 / 5, -- times log n
  workload = function(n)
    local clock, seconds, ended = weir.Clock(), delays(n), 0
    local function sleeper(s)
      clock:sleep(s)
      ended = ended + 1
    end
    return function()
      for i = 1, n do
        weir.spawn(sleeper, seconds[i])
      end
      clock:advance(2)
      assert(ended == n)
    end
  end,
  baseline = function(n)
    local seconds, list, ended = delays(n), {}, 0
    local function sleeper(s)
      yield(s)
      ended = ended + 1
    end
    return function()
      for i = 1, n do
        local co = coroutine.create(sleeper)
        resume(co, seconds[i])
        list[i] = co
      end
      for i = 1, n do
        resume(list[i])
      end
      assert(ended == n)
    end
  end,
}
