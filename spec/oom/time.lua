--- Timers: each fires, though perhaps in a later advance.
local help = require "spec.oom.help"
local weir = require "weir"

local function sleeping(n, body, below)
  return {
    prepare = function()
      local clock = weir.Clock()
      local on = below and weir.Clock { parent = weir.Clock { parent = clock } } or clock
      return { clock = clock, on = on, list = {}, allowed = "timed out" }
    end,
    act = function(x)
      for i = 1, n do x.list[i] = weir.spawn(body, x.on, i % 7) end
      x.clock:advance(3)
      x.clock:advance(10)
    end,
    check = function(x)
      for _ = 1, 3 do x.clock:advance(10) end
      weir.step()
      for _, d in ipairs(x.list) do
        if d:status() == "pending" then d:cancel() end
      end
      weir.step()
      help.assert_all_told(x.list, "timeout")
      help.assert_works()
    end,
  }
end

local function sleeps(clock, seconds)
  clock:sleep(seconds)
  clock:sleep(1)
end

local function sleeps_and_limits(clock, seconds)
  clock:sleep(seconds)
  clock:sleep(0)
  pcall(weir.await, clock:timeout(weir.Deferred(), 1))
end

local function fires(n)
  return {
    prepare = function()
      local x = { clock = weir.Clock(), list = {} }
      for i = 1, n do x.list[i] = weir.spawn(x.clock.sleep, x.clock, i % 7) end
      return x
    end,
    act = function(x) x.clock:advance(10) end,
    check = function(x)
      x.clock:advance(10)
      weir.step()
      help.assert_all_told(x.list)
    end,
  }
end

local function after()
  return {
    prepare = function() return { clock = weir.Clock(), list = {}, allowed = "timed out" } end,
    act = function(x)
      x.list[1] = x.clock:after(1, "a", "b")
      x.list[2] = x.clock:timeout(weir.Deferred(), 2)
      x.clock:advance(5)
    end,
    check = function(x)
      x.clock:advance(5)
      help.assert_all_told(x.list, "timed out")
    end,
  }
end

return {
  sleeping(1, sleeps),
  sleeping(200, sleeps),
  sleeping(1, sleeps_and_limits, true),
  sleeping(40, sleeps_and_limits, true),
  fires(1),
  fires(300),
  after(),
}
