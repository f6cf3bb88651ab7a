--- cqueues: coroutines wrapped by a controller, condition variables and promises.
-- Callbacks on a promise and a cancel of a coroutine are not there.
local harness = dofile(arg[0]:gsub("[^/]*$", "") .. "harness.lua")
local cqueues = harness.require "cqueues"
local condition = require "cqueues.condition"
local promise = require "cqueues.promise"
local sleep = cqueues.sleep

--- Runs the functions as coroutines until all have ended.
local function run(...)
  local cq = cqueues.new()
  for _, f in ipairs { ... } do
    cq:wrap(f)
  end
  assert(cq:loop())
end

local function switch(coroutines)
  return function(n)
    local ended, cq = 0, cqueues.new()
    local function turns()
      for _ = 1, n // coroutines do
        sleep(0)
      end
      ended = ended + 1
    end
    for _ = 1, coroutines do
      cq:wrap(turns)
    end
    assert(cq:loop())
    assert(ended == coroutines)
  end
end

local BATCH = 1000

local function spawn(n)
  local ended, cq = 0, cqueues.new()
  local function body()
    ended = ended + 1
  end
  for i = 1, n do
    cq:wrap(body)
    if i % BATCH == 0 or i == n then
      assert(cq:loop())
    end
  end
  assert(ended == n)
end

local function one()
  return 1
end

local function spawn_await(n)
  local sum = 0
  run(function()
    for _ = 1, n do
      sum = sum + promise.new(one):get()
    end
  end)
  assert(sum == n)
end

local function ping_pong(n)
  local to_ping, to_pong, ball = condition.new(), condition.new(), nil
  local function ping()
    for i = 1, n do
      ball = i
      to_pong:signal()
      to_ping:wait()
      assert(ball == -i)
    end
  end
  local function pong()
    for _ = 1, n do
      while not ball or ball < 0 do
        to_pong:wait()
      end
      ball = -ball
      to_ping:signal()
    end
  end
  run(pong, ping)
  assert(ball == -n)
end

local function level(depth, gate)
  if depth == 1 then
    return gate:get() + 1
  end
  return promise.new(level, depth - 1, gate):get() + 1
end

local function nested(n)
  local gate, result = promise.new(), nil
  local cq = cqueues.new()
  cq:wrap(function()
    result = level(n, gate)
  end)
  while cq:step(0) and cq:count() < n do
    assert(not result)
  end
  gate:set(true, 0)
  assert(cq:loop())
  assert(result == n)
end

local function all(n)
  local parts, sum = {}, 0
  for i = 1, n do
    parts[i] = promise.new()
  end
  run(function()
    for i = 1, n do
      sum = sum + parts[i]:get()
    end
  end, function()
    for i = 1, n do
      parts[i]:set(true, 1)
    end
  end)
  assert(sum == n)
end

local function sleepers(n)
  local seconds, ended, cq = harness.delays(n), 0, cqueues.new()
  return function()
    for i = 1, n do
      cq:wrap(function()
        sleep(seconds[i])
        ended = ended + 1
      end)
    end
    assert(cq:loop())
    assert(ended == n)
  end
end

local function memory(n)
  local gate, cq, waiting = condition.new(), cqueues.new(), 0
  local function wait()
    waiting = waiting + 1
    gate:wait()
  end
  for _ = 1, n do
    cq:wrap(wait)
  end
  cq:step(0)
  assert(waiting == n)
  return cq
end

harness.run(cqueues.VERSION, {
  switch = switch(1),
  switch1000 = switch(1000),
  spawn = spawn,
  spawn_await = spawn_await,
  ping_pong = ping_pong,
  nested = nested,
  all = all,
  sleepers = sleepers,
  memory = memory,
})
