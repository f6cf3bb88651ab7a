--- Two coroutines that wake each other, with a fresh Deferred each way.
local weir = require "weir"
local resume, yield = coroutine.resume, coroutine.yield
local Deferred, await = weir.Deferred, weir.await

local function play(n)
  local ping, pong = Deferred(), nil
  weir.spawn(function()
    for _ = 1, n do
      local value = await(ping)
      ping = Deferred()
      pong:callback(value)
    end
  end)
  for i = 1, n do
    pong = Deferred()
    ping:callback(i)
    assert(await(pong) == i)
  end
end

local function echo(value)
  while true do
    value = yield(value)
  end
end

return {
  name = "ping-pong",
  n = 500000,
  target = 1.75,
  workload = function(n)
    weir.run(play, n)
  end,
  baseline = function(n)
    local one, other = coroutine.create(echo), coroutine.create(echo)
    for i = 1, n do
      local _, value = resume(one, i)
      _, value = resume(other, value)
      assert(value == i)
    end
  end,
}
