-- A map whose functions run in other Lua states, one for each core, while this one goes on with other things.
local weir = require "weir"

local jobs, results = threads.channel(), threads.channel()
local waiting = {} -- number of a job -> the Deferred that gets what comes of it
local last = 0

-- The value of f(x) in some other state; f gets there without its upvalues. x and the value are nil, a boolean, a
-- number or a string.
local function elsewhere(f, x)
  last = last + 1
  jobs:send(("I4 s4 s4"):pack(last, string.dump(f), ("return %q"):format(x)))
  waiting[last] = weir.Deferred()
  return waiting[last]
end

-- Hands the results to those who wait for them.
local listen = weir.coroutine(function()
  while true do
    local number, ok, value = ("I4 B s4"):unpack(weir.await(results:receive()))
    local d = waiting[number]
    waiting[number] = nil
    if ok == 1 then d:callback(load(value)()) else d:errback(load(value)()) end
  end
end)

local function count_primes(n)
  local count = 0
  for i = n - 49999, n do
    local is_prime = i > 1
    for k = 2, math.floor(math.sqrt(i)) do
      if i % k == 0 then is_prime = false; break end
    end
    if is_prime then count = count + 1 end
  end
  return count
end

weir.run(function()
  local workers = {}
  for i = 1, tonumber(os.getenv "WORKERS") or threads.cores do
    workers[i] = threads.start("examples/threads/worker.lua", jobs, results)
  end
  local listener = listen()

  local ends, sum = {}, 0
  for i = 1, 8 do ends[i] = i * 50000 end
  for i, count in ipairs(weir.await(weir.map(ends, function(n) return elsewhere(count_primes, n) end))) do
    print(("primes from %d to %d: %d"):format(ends[i] - 49999, ends[i], count))
    sum = sum + count
  end
  print(("in all: %d"):format(sum))
  print(pcall(weir.await, elsewhere(function(s) error("no number: " .. s, 0) end, "x")))

  listener:cancel()
  jobs:close()
  weir.await(weir.all(workers))
  print "all threads have ended"
end)
