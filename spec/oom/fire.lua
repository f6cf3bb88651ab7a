--- Fires: who waits is told, if not at once then in the next step.
local help = require "spec.oom.help"
local weir = require "weir"

-- n coroutines that await the Deferred.
local function waiters(d, n)
  local list = {}
  for i = 1, n do list[i] = weir.spawn(function() return i, weir.await(d) end) end
  return list
end

local function check_told(x)
  help.fire_again(x.d, 1)
  help.assert_all_told(x.list, x.allowed)
end

local function plain(n, values)
  return {
    prepare = function()
      local x = { d = weir.Deferred(), values = table.pack(table.unpack({ 1, 2, 3, 4, 5 }, 1, values)) }
      x.list = waiters(x.d, n)
      return x
    end,
    act = function(x) x.d:callback(table.unpack(x.values)) end,
    check = check_told,
  }
end

local function failing(n)
  return {
    prepare = function()
      local x = { d = weir.Deferred(), allowed = "oops" }
      x.list = waiters(x.d, n)
      return x
    end,
    act = function(x) x.d:errback "oops" end,
    check = check_told,
  }
end

-- Callbacks before and behind the waiters, that fire others, return Deferreds, and fail.
local function with_callbacks()
  return {
    prepare = function()
      local x = { d = weir.Deferred(), inner = weir.Deferred(), other = weir.Deferred(), allowed = "bad" }
      x.d:add_callback(function(v) return v, 2 end)
      x.d:add_callback(function()
        if x.other:status() == "pending" then x.other:callback(1, 2, 3) end
        return x.inner
      end)
      x.d:add_callback(function() error { message = "bad" } end)
      x.d:add_callbacks(function() end, function(err) error(err, 0) end)
      x.list = waiters(x.d, 3)
      table.move(waiters(x.other, 2), 1, 2, #x.list + 1, x.list)
      return x
    end,
    act = function(x)
      x.d:callback(1)
      x.inner:callback(5)
    end,
    check = function(x)
      help.fire_again(x.d, 1)
      help.fire_again(x.inner, 1)
      if x.other:status() == "pending" then x.other:callback() end
      weir.step()
      help.assert_all_told(x.list, x.allowed)
    end,
  }
end

-- A chain of coroutines that return what they wait for: each adopts the next.
local function adopting(depth)
  return {
    prepare = function()
      local x = { d = weir.Deferred(), list = {} }
      local last = x.d
      for i = 1, depth do
        local below = last
        last = weir.spawn(function() return below end)
        x.list[i] = last
        x.list[depth + i] = weir.spawn(function() return weir.await(below) end)
      end
      return x
    end,
    act = function(x) x.d:callback(1, 2) end,
    check = check_told,
  }
end

local function chained()
  return {
    prepare = function()
      local x = { d = weir.Deferred(), list = {} }
      for i = 1, 5 do
        x.list[i] = weir.Deferred()
        x.d:chain(x.list[i])
        x.list[5 + i] = weir.shield(x.d)
        x.list[10 + i] = weir.spawn(weir.await, x.list[5 + i])
      end
      return x
    end,
    act = function(x) x.d:callback(1, 2) end,
    check = check_told,
  }
end

return {
  plain(1, 0), plain(1, 1), plain(2, 1), plain(3, 5), plain(300, 1), plain(1100, 2), failing(1), failing(20),
  with_callbacks(), adopting(3), adopting(200), chained(),
}
