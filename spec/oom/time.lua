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

-- A scaled clock whose parent has no room for one more timer.
local function full_parent(before)
  local x = { clock = weir.Clock(), keep = {}, allowed = "timed out" }
  x.game = weir.Clock { parent = x.clock }
  if before then before(x) end
  for i = 1, 16 do x.keep[i] = x.clock:after(500) end
  return x
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
  { -- 153: a timer that could not be put in anywhere up to the root is put in nowhere
    prepare = function()
      return full_parent(function(x)
        x.d = x.game:after(10, "v")
        x.d:pause()
      end)
    end,
    act = function(x) x.d:unpause() end,
    check = function(x, ok)
      if not ok then x.d:unpause() end
      x.clock:advance(100)
      assert(x.d:result() == "v")
    end,
  },
  { -- 153: a timeout that was refused is none
    prepare = function()
      local x = full_parent()
      x.d = weir.Deferred()
      return x
    end,
    act = function(x) x.game:timeout(x.d, 5) end,
    check = function(x, ok)
      x.game:after(1)
      x.clock:advance(100)
      assert((x.d:status() == "pending") ~= ok)
    end,
  },
  { -- 153: nor has a clock gone on that was not let go
    prepare = function()
      local x = full_parent()
      x.game:pause()
      x.d = x.game:after(5, "v")
      return x
    end,
    act = function(x) x.game:unpause() end,
    check = function(x, ok)
      if not ok then x.game:unpause() end
      x.clock:advance(100)
      assert(x.d:result() == "v")
    end,
  },
  { -- 153: the limit of a wait that was refused is not that of the next one
    prepare = function()
      local x = { clock = weir.Clock(), first = weir.Deferred(), second = weir.Deferred(), go = weir.Deferred() }
      x.allowed = "timed out"
      x.old = weir.clock(x.clock)
      x.other = weir.spawn(weir.await, x.first)
      x.co = weir.spawn(function()
        weir.await(x.go)
        x.ok, x.err = pcall(weir.await, x.first, 1)
        return weir.await(x.second)
      end)
      return x
    end,
    act = function(x) x.go:callback() end,
    check = function(x)
      help.fire_again(x.go)
      weir.step()
      x.clock:advance(10)
      x.second:callback "v"
      x.first:callback()
      weir.step()
      weir.clock(x.old)
      local ok, result = pcall(x.co.result, x.co)
      assert(ok and result == "v" or not tostring(result):find "timed out")
    end,
  },
}
