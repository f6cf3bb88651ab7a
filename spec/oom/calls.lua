--- Settings, questions, the loop itself, and calls that no other scenario makes.
local help = require "spec.oom.help"
local weir = require "weir"

local function waiting()
  local x = { d = weir.Deferred(), clock = weir.Clock(), list = {} }
  x.list[1] = weir.spawn(weir.await, x.d)
  return x
end

local function calling(act, allowed)
  return {
    prepare = function()
      local x = waiting()
      x.allowed = allowed
      return x
    end,
    act = act,
    check = function(x)
      weir.inline(true)
      weir.grace(5)
      weir.slice(0)
      x.clock:advance(100)
      help.fire_again(x.d, "v")
      for _, d in ipairs(x.list) do d:cancel() end
      for _ = 1, 3 do weir.step() end
      for _, d in ipairs(x.list) do
        assert(d:status() ~= "pending" and d:status() ~= "waiting", tostring(d))
        pcall(d.result, d)
      end
      help.assert_works()
    end,
  }
end

local function ignore() end

return {
  calling(function(x)
    x.list[2] = weir.fail "allowed"
    x.list[3] = weir.fail { message = "allowed" }
    weir.step()
  end, "allowed"),
  calling(function(x)
    x.d:add_errback(ignore):add_both(ignore):add_callbacks(ignore, ignore)
    for _ = 1, 20 do x.d:add_both(ignore):add_errback(ignore) end
    x.d:errback "allowed"
    weir.step()
  end, "allowed"),
  calling(function(x)
    weir.inline(false)
    x.d:callback(1, 2, 3)
    assert(x.list[1]:status() ~= "success")
    weir.inline(true)
    weir.step()
  end),
  calling(function(x)
    assert(weir.is_deferred(x.d) and not weir.is_deferred {} and not weir.is_cancelled(x.d))
    weir.grace(1)
    x.list[1]:cancel("a reason of its own", 0.5)
    return weir.is_cancelled(select(2, pcall(x.list[1].result, x.list[1])))
  end),
  calling(function(x)
    local old = weir.clock(x.clock)
    local ok, err = pcall(function()
      x.list[2] = weir.every(1, ignore)
      x.list[3] = weir.spawn(weir.sleep, weir.now() + 2)
      x.clock:advance(3.5)
    end)
    weir.clock(old)
    assert(ok, err)
  end),
  calling(function() return weir.run(function(...) return weir.await(weir.after(0, ...)) end, 1, 2) end),
  calling(function(x)
    x.list[1]:cancel()
    weir.spawn(weir.yield)
    weir.run()
  end),
  calling(function(x)
    x.list[2] = weir.spawn(function()
      weir.current():slice(100)
      for i = 1, 3000 do x.sum = (x.sum or 0) + i end
    end)
    for _ = 1, 50 do weir.step() end
  end),
  calling(function(x)
    local lock, semaphore = weir.Lock(), weir.Semaphore(1)
    for i = 2, 4 do
      x.list[i] = weir.spawn(function()
        weir.await(lock:acquire())
        weir.await(semaphore:acquire())
        weir.yield()
        semaphore:release()
        lock:release()
      end)
    end
    for _ = 1, 10 do weir.step() end
  end),
  calling(function(x)
    local queue, event = weir.Queue(2), weir.Event()
    x.list[2] = weir.spawn(function() for _ in queue:iter() do x.sum = (x.sum or 0) + 1 end end)
    x.list[3] = weir.spawn(function()
      for i = 1, 4 do weir.await(queue:put(i)) end
      queue:close()
    end)
    x.list[4] = weir.spawn(function() weir.await(event:wait()) end)
    event:set()
    event:clear()
    for _ = 1, 10 do weir.step() end
  end),
}
