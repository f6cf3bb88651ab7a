--- Clocks, periods, generators, slices and limits: a clean error, or what was asked for.
local help = require "spec.oom.help"
local weir = require "weir"

local function trying(act, allowed)
  return {
    prepare = function() return { clock = weir.Clock(), list = {}, allowed = allowed } end,
    act = act,
    check = function(x)
      weir.slice(0)
      x.clock:advance(100)
      weir.step()
      for _, d in ipairs(x.list) do
        if d:status() ~= "success" then d:cancel() end
      end
      x.clock:advance(100)
      for _ = 1, 3 do weir.step() end
      for _, d in ipairs(x.list) do
        assert(d:status() ~= "pending", tostring(d))
        pcall(d.result, d)
      end
      help.assert_works()
    end,
  }
end

local function spin(n)
  local sum = 0
  for i = 1, n do sum = sum + i % 7 end
  return sum
end

return {
  trying(function(x)
    x.list[1] = x.clock:every(1, function() weir.yield() end)
    x.clock:advance(3.5)
    weir.step()
    x.list[1]:cancel()
  end),
  trying(function(x)
    local half = weir.Clock { parent = x.clock, speed = 0.5 }
    x.list[1] = weir.spawn(half.sleep, half, 2)
    half:pause()
    half:speed(4)
    half:unpause()
    x.clock:advance(2)
  end),
  trying(function(x)
    x.list[1] = weir.spawn(function()
      local list = {}
      local numbers = weir.wrap(function()
        for i = 1, 3 do
          x.clock:sleep(1)
          coroutine.yield(i, { i })
        end
      end)
      for i in numbers do list[#list + 1] = i end
      return #list
    end)
    x.clock:advance(5)
  end),
  trying(function(x)
    weir.slice(100)
    for i = 1, 3 do x.list[i] = weir.spawn(spin, 2000) end
    for _ = 1, 100 do weir.step() end
  end),
  trying(function(x)
    x.list[1] = weir.spawn(function()
      weir.current():limit { instructions = 500 }
      return spin(100000)
    end)
    weir.step()
  end, "limit"),
  trying(function(x)
    x.list[1] = weir.maybe(function() return weir.succeed(1, 2, 3) end)
    x.list[2] = weir.maybe(error, "timed out, as it were")
    x.list[3] = x.clock:timeout(weir.Deferred(), 1)
    x.list[4] = weir.after(0, "x")
    x.clock:advance(2)
    weir.step()
  end, "timed out"),
  trying(function(x)
    for i = 1, 300 do x.list[i] = weir.spawn(weir.yield) end
    weir.step()
  end),
}
