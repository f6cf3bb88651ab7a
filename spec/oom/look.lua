--- A look inside, reports and traces: an error, or an answer; the program goes on.
local help = require "spec.oom.help"
local weir = require "weir"

local function house()
  local x = { d = weir.Deferred(), list = {} }
  local all = {}
  for i = 1, 4 do
    all[i] = weir.coroutine(function()
      weir.await(weir.shield(x.d))
      weir.sleep(i)
    end, "number " .. i)()
    x.list[i] = all[i]
  end
  all[2]:pause()
  x.top = weir.spawn(weir.await, weir.all(all))
  x.list[5] = x.top
  return x
end

local function looking(look)
  return {
    prepare = house,
    act = look,
    check = function(x)
      weir.debug(false)
      weir.timing(false)
      pcall(weir.trace)
      x.top:cancel()
      weir.step()
      help.fire_again(x.d)
      for _, co in ipairs(x.list) do
        assert(co:status() ~= "pending" and co:status() ~= "running", tostring(co))
        pcall(co.result, co)
      end
      help.assert_works()
    end,
  }
end

local function go_on(x)
  for _ = 1, 3 do
    x.list[#x.list + 1] = weir.spawn(function()
      weir.yield()
      weir.await(x.d)
    end)
    weir.step()
  end
end

return {
  looking(function() for task in weir.tasks() do assert(task.co:why()) end end),
  looking(function() return weir.tree() end),
  looking(function() return weir.graph() end),
  looking(function(x) return x.list[1]:traceback(), tostring(x.top), x.d:why() end),
  looking(function() return weir.stats() end),
  looking(function(x)
    weir.debug(true)
    go_on(x)
  end),
  looking(function(x)
    weir.timing(true)
    go_on(x)
    return weir.stats()
  end),
  looking(function(x)
    weir.trace "/dev/null"
    go_on(x)
    weir.trace()
  end),
  looking(function(x) -- 156: the word on a trace that is not whole comes right before a resume
    weir.debug { report = function() end }
    weir.trace "/dev/full"
    x.list[#x.list + 1] = weir.spawn(function()
      for _ = 1, 2000 do weir.yield() end
    end)
    for _ = 1, 2000 do weir.step() end
    weir.trace()
  end),
}
