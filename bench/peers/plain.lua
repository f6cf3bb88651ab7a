--- Coroutines of Lua alone. What needs a scheduler has the least of one that does the work.
local harness = dofile(arg[0]:gsub("[^/]*$", "") .. "harness.lua")
local create, resume, yield, close = coroutine.create, coroutine.resume, coroutine.yield, coroutine.close

local function forever()
  local turns = 0
  while true do
    turns = turns + 1
    yield(turns)
  end
end

local function switch(coroutines)
  return function(n)
    local list, turns, _ = {}, nil, nil
    for i = 1, coroutines do
      list[i] = create(forever)
    end
    for _ = 1, n // coroutines do
      for i = 1, coroutines do
        _, turns = resume(list[i])
      end
    end
    assert(turns == n // coroutines)
  end
end

local function one()
  return 1
end

local function spawn(n)
  local kept, sum = harness.kept(), 0
  for i = 1, n do
    local co = create(one)
    local _, value = resume(co)
    sum = sum + value
    kept[i % 1000 + 1] = co
  end
  assert(sum == n)
end

local function echo(value)
  while true do
    value = yield(value)
  end
end

local function ping_pong(n)
  local ping, pong = create(echo), create(echo)
  for i = 1, n do
    local _, value = resume(ping, i)
    _, value = resume(pong, value)
    assert(value == i)
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
    local list = { increment, increment, add }
    local ok, value = true, i
    for k = 1, #list do
      ok, value = pcall(list[k], value)
    end
    assert(ok)
  end
  assert(sum == n * (n + 1) // 2 + 2 * n)
end

-- resume inside of resume ends at about 190 levels, so this is a trampoline: a coroutine that is
-- yielded is run until it ends, and its value is what the yield returns.
local function trampoline(stack, value)
  while #stack > 0 do
    local _, result = assert(resume(stack[#stack], value))
    if coroutine.status(stack[#stack]) == "dead" then
      stack[#stack], value = nil, result
    elseif result then
      stack[#stack + 1], value = result, nil
    else
      return stack
    end
  end
  return value
end

local function level(depth)
  if depth == 1 then
    return yield() + 1
  end
  return yield(create(function()
    return level(depth - 1)
  end)) + 1
end

local function nested(n)
  local stack = trampoline { create(function()
    return level(n)
  end) }
  assert(#stack == n)
  assert(trampoline(stack, 0) == n)
end

local function wait(seconds)
  return yield(seconds)
end

local function suspended(n, list)
  for i = 1, n do
    list[i] = create(wait)
    resume(list[i])
  end
  assert(coroutine.status(list[n]) == "suspended")
  return list
end

local function cancel(n)
  local list = suspended(n, {})
  return function()
    for i = 1, n do
      assert(close(list[i]))
    end
  end
end

--- Without any order of time: there is none in Lua.
local function sleepers(n)
  local seconds, list, ended = harness.delays(n), {}, 0
  local function sleeper(s)
    yield(s)
    ended = ended + 1
  end
  return function()
    for i = 1, n do
      list[i] = create(sleeper)
      resume(list[i], seconds[i])
    end
    for i = 1, n do
      resume(list[i])
    end
    assert(ended == n)
  end
end

harness.run(_VERSION, {
  switch = switch(1),
  switch1000 = switch(1000),
  spawn = spawn,
  spawn_await = spawn,
  ping_pong = ping_pong,
  callbacks = callbacks,
  nested = nested,
  cancel = cancel,
  sleepers = sleepers,
  memory = suspended,
})
