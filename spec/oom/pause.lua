--- Pause and unpause: in force or not, and what is not held goes on. What fails may be the turn behind them.
local help = require "spec.oom.help"
local weir = require "weir"

local function pausing(prepare)
  return {
    prepare = prepare,
    act = function(x)
      x.top:pause()
      if x.act then x.act(x) end
      x.top:unpause()
    end,
    check = function(x)
      pcall(x.top.unpause, x.top)
      assert(not pcall(x.top.unpause, x.top), "more was paused than was asked for")
      help.fire_again(x.d, 1)
      weir.step()
      help.assert_all_told(x.list)
      help.assert_works()
    end,
  }
end

local function chain(depth)
  return function()
    local x = { d = weir.Deferred(), list = {} }
    local last = x.d
    for i = 1, depth do
      local below = last
      last = weir.spawn(function() return (weir.await(below)) end)
      x.list[i] = last
    end
    x.top = last
    return x
  end
end

local function fired_meanwhile()
  local x = chain(5)()
  x.act = function() x.d:callback(1) end
  return x
end

local function wide()
  local x = { d = weir.Deferred(), list = {} }
  for i = 1, 150 do
    x.list[i] = weir.spawn(function()
      weir.await(weir.Deferred { pause = function() end, unpause = function() end, cancel = function() end })
    end)
    x.list[i] = weir.spawn(weir.await, weir.shield(x.d))
  end
  x.top = weir.spawn(weir.await, weir.all(x.list))
  x.list[#x.list + 1] = x.top
  return x
end

local function sleepers()
  local x = { d = weir.Deferred(), list = {}, clock = weir.Clock() }
  for i = 1, 40 do x.list[i] = weir.spawn(x.clock.sleep, x.clock, i) end
  x.top = weir.spawn(weir.await, weir.all(x.list))
  x.list[#x.list + 1] = x.top
  x.d:add_callback(function() x.clock:advance(100) end)
  return x
end

local function hooked()
  local x = { list = {} }
  x.d = weir.Deferred { pause = function() end, unpause = function() end }
  x.list[1] = weir.spawn(weir.await, x.d)
  x.top = x.list[1]
  return x
end

return {
  pausing(chain(1)), pausing(chain(150)), pausing(fired_meanwhile), pausing(wide), pausing(sleepers), pausing(hooked),
}
