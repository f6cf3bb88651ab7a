--- Memory: a program at random goes on for some time, in each mode of the collector; what lives must not grow.
-- lua spec/soak.lua [SECONDS [SEED]]: both modes share the seconds, of processor time. The exit code is 0 when all
-- is flat, and no coroutine is left behind.
local weir = require "weir"

local await, spawn, random = weir.await, weir.spawn, math.random

local MODES = { "incremental", "generational" }
local SMALL = os.getenv "WEIR_SCALE" == "small"
local SECONDS = SMALL and 2 or 60
local TOLERANCE = SMALL and 0.05 or 0.01 -- in a second much is chance
local WARM_UP = 0.25 -- of the time
local ROUND = 4000 -- acts between two measurements
local SLOTS = 400 -- handles that are kept; what is alive besides depends on them
local AT_ONCE = 1500 -- more coroutines than the threads that are kept for reuse

-- ---- what the program acts on -------------------------------------------------------------------------------

local clock, slots, alive, reported = weir.Clock(), {}, 0, 0
local lock, semaphore, queue, event, barrier

local function renew()
  lock, semaphore, queue = weir.Lock(), weir.Semaphore(3), weir.Queue(5)
  event, barrier = weir.Event(), weir.Barrier(3)
end

local function chance(percent) return random(100) <= percent end
local function seconds() return random(0, 8) / 4 end
local function handle() return slots[random(SLOTS)] end
local function some_parts() return { handle(), weir.after(seconds(), {}), handle(), "plain" } end

-- Counts what is alive; every body has one to be closed.
local counter = setmetatable({}, { __close = function() alive = alive - 1 end })
local function count()
  alive = alive + 1
  return counter
end

local function start(f, ...)
  return spawn(function(...)
    local _ <close> = count()
    return f(...)
  end, ...)
end

local cleanup = setmetatable({}, { __close = function()
  if chance(30) then weir.sleep(seconds()) end
  if chance(5) then error("in cleanup", 0) end
  if chance(1) then collectgarbage("step", 1) end
end })

-- ---- what its coroutines do: none waits for ever for what others may fire -------------------------------------

local function locked()
  local _ <close> = await((chance(50) and lock or semaphore):acquire(), seconds())
  weir.sleep(seconds())
end

local function hop(n)
  local _ <close> = count()
  if n == 0 then weir.noreturn(handle()) end
  pcall(pcall, weir.noreturn, chance(50) and hop or weir.coroutine(hop), n - 1, {})
end

local function generate()
  local function numbers()
    for i = 1, 3 do weir.sleep(seconds()); coroutine.yield(i) end
  end
  for i in weir.wrap(numbers) do
    if i == 2 then return end
  end
end

local function scoped(scope)
  for _ = 1, 3 do scope:spawn(weir.sleep, seconds()) end
  if chance(30) then error("in scope", 0) end
  await(handle(), seconds())
end

local BODIES = {
  function() weir.sleep(seconds()) end,
  function() return await(handle(), 2 + seconds()) end,
  function() local _ <close> = cleanup; await(handle(), 5) end,
  function() local _ <close> = cleanup; pcall(await, handle(), 5); await(weir.Deferred(), 5) end,
  function() await(start(await, start(await, handle(), 5))) end,
  function() return handle() end,
  function() error("in body", 0) end,
  function() for _ = 1, random(5) do weir.yield() end end,
  function() weir.current():pause(); weir.sleep(seconds()) end,
  function() weir.current():cancel(); weir.yield() end,
  function() await(weir.all(some_parts()), 5) end,
  function() await(weir.settle(some_parts()), 5) end,
  function() await(weir.race(some_parts()), 5) end,
  function() await(weir.any(some_parts()), 5) end,
  function() await(weir.map(some_parts(), function() weir.sleep(seconds()) end, 2), 5) end,
  function() await(weir.scope(scoped)) end,
  function() await(queue:put({}), seconds()) end,
  function() await(queue:get(), seconds()) end,
  function() await(event:wait(), seconds()) end,
  function() await(barrier:wait(), seconds()) end,
  function() hop(random(0, 5)) end,
  locked,
  generate,
}

-- ---- what it does: what an act returns replaces the handle that it was given ------------------------------------

local function fired_some_time()
  local d = weir.Deferred(function(d) if chance(30) then d:callback("answer") end end)
  weir.after(random(4, 20)):add_callback(function() pcall(d.callback, d, {}) end)
  return d
end

local function hooked()
  local function hook() if chance(10) then error("in hook", 0) end end
  return weir.Deferred({ cancel = hook, pause = hook, unpause = hook }):timeout(random(4, 20))
end

local function every() return weir.every(0.5, function() if chance(30) then error("enough", 0) end end) end

local ACTS = {
  fired_some_time,
  hooked,
  every,
  function() return weir.after(seconds(), "v") end,
  function(d) return weir.shield(d) end,
  function(d) return weir.succeed():add_callback(function() return d end) end,
  function(d) local other = fired_some_time(); d:chain(other); return other end,
  function(d) d:add_both(function(_, ...) return ... end) end,
  function(d) d:callback({}) end,
  function(d) d:errback("e") end,
  function(d) d:cancel("why", seconds()) end,
  function(d) d:timeout(seconds()) end,
  function(d) d:pause() end,
  function(d) d:unpause() end,
  function(d) d:close() end,
  function() event:set(); event:clear() end,
  function() clock:advance(seconds() / 4) end,
  function() weir.step() end,
}

local function act()
  local i = random(SLOTS)
  local ok, made
  if chance(40) then
    ok, made = pcall(start, BODIES[random(#BODIES)])
  else
    ok, made = pcall(ACTS[random(#ACTS)], slots[i])
  end
  if ok and weir.is_deferred(made) then slots[i] = made end
end

-- Brings all that is alive to its end.
local function drain()
  for i = 1, SLOTS do
    slots[i]:cancel("drained", 1)
    while pcall(slots[i].unpause, slots[i]) do end
    slots[i] = weir.succeed()
  end
  for _ = 1, 10 do
    collectgarbage() -- finds those that nobody can reach, which are cancelled in the next turn
    clock:advance(20)
    weir.step()
  end
  renew()
end

-- More at once than there will be again: what is kept for reuse has been made then.
local function burst()
  local gate = weir.Deferred()
  for _ = 1, AT_ONCE do start(function() await(gate); weir.sleep(1) end) end
  gate:callback()
  drain()
end

-- ---- measuring --------------------------------------------------------------------------------------------------

-- What the system counts for this process, in KB, or 0 where it does not tell.
local function resident()
  local file = io.open "/proc/self/statm"
  if not file then return 0 end
  local pages = file:read("a"):match "^%d+ (%d+)"
  file:close()
  return pages * 4
end

-- Sums for the thirds of the time behind the warm-up, and 0 for that. They take the same room all the time.
local function sums()
  local function thirds() return { [0] = 0, 0, 0, 0 } end
  return { n = thirds(), live = thirds(), resident = thirds() }
end

local function measure(sum, third)
  drain()
  local mode = collectgarbage "incremental" -- the other one does not shrink the stacks of threads
  for _ = 1, 3 do collectgarbage() end
  collectgarbage(mode)
  sum.n[third] = sum.n[third] + 1
  sum.live[third] = sum.live[third] + collectgarbage "count"
  sum.resident[third] = sum.resident[third] + resident()
end

-- Acts until that much processor time is over, and there is something to compare.
local function soak(limit)
  local sum, rounds, began, third = sums(), 0, os.clock(), 0
  repeat
    for _ = 1, ROUND do act() end
    measure(sum, third)
    rounds = rounds + 1
    local passed = (os.clock() - began) / limit
    third = math.max(0, math.min(3, math.ceil(3 * (passed - WARM_UP) / (1 - WARM_UP))))
  until passed > 1 and sum.n[1] > 0 and sum.n[3] > 0
  return sum, rounds * ROUND
end

-- ---- telling ----------------------------------------------------------------------------------------------------

local ROW = "%-13s %-12s %10s %10s %9s"

-- A row for one of the figures; returns whether it is flat.
local function tell(mode, name, sum, key)
  local first, last = sum[key][1] / sum.n[1], sum[key][3] / sum.n[3]
  if last == 0 then return true end
  local growth = last / first - 1
  local is_flat = growth <= TOLERANCE
  print(ROW:format(mode, name, ("%.0f KB"):format(first), ("%.0f KB"):format(last), ("%+.2f %%"):format(100 * growth))
    .. (is_flat and "" or "  GROWS"))
  return is_flat
end

local function run(mode, limit, seed)
  math.randomseed(seed)
  collectgarbage(mode)
  weir.clock(clock)
  weir.on_unhandled(function() reported = reported + 1 end)
  for i = 1, SLOTS do slots[i] = weir.succeed() end
  renew()
  burst()
  local sum, acts = soak(limit)
  local is_flat = tell(mode, "live", sum, "live")
  is_flat = tell(mode, "resident", sum, "resident") and is_flat
  print(("%-13s %d acts, %d failures reported, %d coroutines left"):format(mode, acts, reported, alive))
  return is_flat and alive == 0
end

-- This program in a process of its own, where the other mode has left nothing; true if it ended well.
local function run_apart(...)
  local lowest = 0
  while arg[lowest - 1] do lowest = lowest - 1 end
  local words = { arg[lowest], arg[0], ... }
  for i, word in ipairs(words) do words[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'" end
  return (os.execute(table.concat(words, " ")))
end

local function main(limit, seed)
  print(("%g seconds, seed %d"):format(limit, seed))
  print(ROW:format("collector", "", "first third", "last third", "growth"))
  io.stdout:flush()
  local ok = true
  for _, mode in ipairs(MODES) do ok = run_apart(limit / #MODES, seed, mode) and ok end
  return ok
end

local limit, seed, mode = tonumber(arg[1] or SECONDS), tonumber(arg[2] or os.time()), arg[3]
local ok
if mode then
  ok = run(mode, limit, seed)
else
  ok = main(limit, seed)
end
os.exit(ok, true)
