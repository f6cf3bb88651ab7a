--- luv: plain coroutines that callbacks of libuv resume. What libuv has no part in is plain Lua, and
-- not here: spawn, await of a coroutine, promises.
local harness = dofile(arg[0]:gsub("[^/]*$", "") .. "harness.lua")
local uv = harness.require "luv"
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

--- Each coroutine has an idle handle, which resumes it once in each turn of the loop.
local function turns(n)
  local self, idle = coroutine.running(), uv.new_idle()
  idle:start(function()
    resume(self)
  end)
  for _ = 1, n do
    yield()
  end
  idle:close()
end

local function switch(coroutines)
  return function(n)
    local ended = 0
    local function body()
      turns(n // coroutines)
      ended = ended + 1
    end
    for _ = 1, coroutines do
      assert(resume(create(body)))
    end
    uv.run()
    assert(ended == coroutines)
  end
end

--- Each coroutine has an async handle, through which the other one wakes it.
local function ping_pong(n)
  local ball, to_ping, to_pong = nil, nil, nil
  local ping = create(function()
    for i = 1, n do
      ball = i
      to_pong:send()
      yield()
      assert(ball == -i)
    end
    to_ping:close()
  end)
  local pong = create(function()
    for _ = 1, n do
      yield()
      ball = -ball
      to_ping:send()
    end
    to_pong:close()
  end)
  to_ping = uv.new_async(function()
    resume(ping)
  end)
  to_pong = uv.new_async(function()
    resume(pong)
  end)
  assert(resume(pong))
  assert(resume(ping))
  uv.run()
  assert(ball == -n)
end

--- Suspends the running coroutine. Returns the timer to one who wants to take it away.
local function sleep(seconds)
  local self, timer = coroutine.running(), uv.new_timer()
  timer:start(seconds * 1000 // 1, 0, function()
    timer:close()
    resume(self)
  end)
  return yield(timer)
end

local function sleepers(n)
  local seconds, ended = harness.delays(n), 0
  local function sleeper(s)
    sleep(s)
    ended = ended + 1
  end
  return function()
    for i = 1, n do
      resume(create(sleeper), seconds[i])
    end
    uv.run()
    assert(ended == n)
  end
end

--- To close the timer, then the coroutine, is all there is to do; the loop frees the timers.
local function cancel(n)
  local list, timers, seconds = {}, {}, harness.delays(n)
  for i = 1, n do
    local _
    list[i] = create(sleep)
    _, timers[i] = resume(list[i], 60 + seconds[i])
  end
  return function()
    for i = 1, n do
      timers[i]:close()
      assert(coroutine.close(list[i]))
    end
    assert(not uv.run())
  end
end

harness.run(uv.version_string(), {
  switch = switch(1),
  switch1000 = switch(1000),
  ping_pong = ping_pong,
  cancel = cancel,
  sleepers = sleepers,
})
