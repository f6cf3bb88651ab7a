--- weir, on its own loop and the real clock.
local harness = dofile(arg[0]:gsub("[^/]*$", "") .. "harness.lua")
local weir = harness.require "weir"
local Deferred, spawn, await, give_way = weir.Deferred, weir.spawn, weir.await, weir.yield

local function turns(n)
  for _ = 1, n do
    give_way()
  end
  return n
end

local function switch(coroutines)
  return function(n)
    local list = {}
    for i = 1, coroutines do
      list[i] = spawn(turns, n // coroutines)
    end
    weir.run()
    for i = 1, coroutines do
      assert(list[i]:result() == n // coroutines)
    end
  end
end

local function one()
  return 1
end

local function spawn_all(n)
  local kept = harness.kept()
  for i = 1, n do
    kept[i % 1000 + 1] = spawn(one)
  end
  assert(kept[n % 1000 + 1]:result() == 1)
end

local function await_all(n)
  local sum = 0
  for _ = 1, n do
    sum = sum + await(spawn(one))
  end
  assert(sum == n)
end

local function ping_pong(n)
  local ping, pong = Deferred(), nil
  spawn(function()
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

local function increment(value)
  return value + 1
end

local function callbacks(n)
  local sum = 0
  local function add(value)
    sum = sum + value
  end
  for i = 1, n do
    local d = Deferred()
    d:add_callback(increment)
    d:add_callback(increment)
    d:add_callback(add)
    d:callback(i)
  end
  assert(sum == n * (n + 1) // 2 + 2 * n)
end

local level
level = weir.coroutine(function(depth, gate)
  if depth == 1 then
    return await(gate) + 1
  end
  return await(level(depth - 1, gate)) + 1
end)

local function nested(n)
  local gate = Deferred()
  local top = level(n, gate)
  gate:callback(0)
  assert(top:result() == n)
end

local function all(n)
  local parts = {}
  for i = 1, n do
    parts[i] = Deferred()
  end
  local whole = weir.all(parts)
  for i = 1, n do
    parts[i]:callback(i)
  end
  assert(#whole:result() == n)
end

local function cancel(n)
  local list, seconds = {}, harness.delays(n)
  for i = 1, n do
    list[i] = spawn(weir.sleep, 60 + seconds[i])
  end
  return function()
    for i = 1, n do
      assert(list[i]:cancel())
    end
    assert(list[n]:status() == "cancelled")
  end
end

local function sleepers(n)
  local seconds, ended = harness.delays(n), 0
  local function sleeper(s)
    weir.sleep(s)
    ended = ended + 1
  end
  return function()
    for i = 1, n do
      spawn(sleeper, seconds[i])
    end
    weir.run()
    assert(ended == n)
  end
end

local function memory(n, list)
  local gate = Deferred()
  for i = 1, n do
    list[i] = spawn(await, gate)
  end
  assert(list[n]:status() == "waiting")
  return list
end

harness.run(weir._VERSION, {
  switch = switch(1),
  switch1000 = switch(1000),
  spawn = spawn_all,
  spawn_await = function(n)
    weir.run(await_all, n)
  end,
  ping_pong = function(n)
    weir.run(ping_pong, n)
  end,
  callbacks = callbacks,
  nested = nested,
  cancel = cancel,
  sleepers = sleepers,
  all = all,
  memory = memory,
})
