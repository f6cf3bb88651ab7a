--- all, settle, race, any, map, scope: the whole has an outcome when the parts do.
local help = require "spec.oom.help"
local weir = require "weir"

local function joining(make, n)
  return {
    prepare = function()
      local x = { parts = {}, list = {}, allowed = "scope that is ending" }
      for i = 1, n do x.parts[i] = weir.Deferred() end
      return x
    end,
    act = function(x)
      x.list[1] = make(x.parts)
      x.list[2] = weir.spawn(weir.await, x.list[1])
      for _, part in ipairs(x.parts) do part:callback(1) end
      for _ = 1, 3 do weir.step() end
    end,
    check = function(x)
      for _, part in ipairs(x.parts) do
        if part:status() == "pending" then part:callback(1) end
      end
      for _ = 1, 2 * n do weir.step() end
      help.assert_all_told(x.list, x.allowed)
      help.assert_works()
    end,
  }
end

local function map(parts)
  return weir.map(parts, function(value)
    weir.yield()
    return value
  end, 2)
end
local function scope(parts)
  return weir.spawn(function()
    return weir.await(weir.scope(function(s)
      for _, part in ipairs(parts) do s:spawn(weir.await, part) end
    end))
  end)
end

-- regression 183: what had won was told nobody, when there was no memory to cancel the rest.
local function race_of_coroutines(parts)
  local list = {}
  for i, part in ipairs(parts) do
    list[i] = weir.spawn(weir.await, part)
  end
  return weir.race(list)
end

local list = {}
for _, make in ipairs { weir.all, weir.settle, weir.race, weir.any, map, scope, race_of_coroutines } do
  list[#list + 1] = joining(make, 1)
  list[#list + 1] = joining(make, 20)
end
return list
