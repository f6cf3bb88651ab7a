--- weir, on its own loop and the real clock. What `make bench` measures as well is that workload.
local harness = dofile(arg[0]:gsub("[^/]*$", "") .. "harness.lua")
package.path = arg[0]:gsub("[^/]*$", "") .. "../?.lua;" .. package.path
local weir = harness.require "weir"
local spawn, await, give_way = weir.spawn, weir.await, weir.yield

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
  local gate = weir.Deferred()
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
  ping_pong = require("ping_pong").workload,
  callbacks = require("callbacks").workload,
  nested = require("nested").workload,
  cancel = cancel,
  sleepers = sleepers,
  all = require("all").workload,
  memory = memory,
})
