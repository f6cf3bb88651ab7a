--- Lock, Semaphore, Queue, Event, Barrier: all who stand in line come to their turn.
local help = require "spec.oom.help"
local weir = require "weir"

local function working(make, body)
  return {
    prepare = function()
      local x = { thing = make(), list = {} }
      return x
    end,
    act = function(x)
      for i = 1, 6 do x.list[i] = weir.spawn(body, x.thing, i) end
      for _ = 1, 12 do weir.step() end
    end,
    check = function(x)
      for _ = 1, 12 do weir.step() end
      for _, co in ipairs(x.list) do
        if co:status() == "pending" then co:cancel() end
      end
      for _ = 1, 3 do weir.step() end
      for _, co in ipairs(x.list) do
        assert(co:status() ~= "pending", tostring(co))
        pcall(co.result, co)
      end
      help.assert_works()
    end,
  }
end

local function locks(lock)
  lock:run(function() weir.yield() end)
end
local function passes(queue, i)
  if i % 2 == 1 then
    queue:put(i)
    weir.yield()
    queue:put { i }
  else
    weir.await(queue:get())
    weir.await(queue:get())
  end
end
local function waits(event, i)
  if i == 6 then event:set() else weir.await(event:wait()) end
end
local function meets(barrier) weir.await(barrier:wait()) end

return {
  working(weir.Lock, locks), working(function() return weir.Semaphore(2) end, locks),
  working(function() return weir.Queue(1) end, passes), working(weir.Event, waits),
  working(function() return weir.Barrier(3) end, meets),
}
