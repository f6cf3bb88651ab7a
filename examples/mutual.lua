-- Mutual recursion without a stack to overflow.
--
-- First a(1) awaits b(2), which awaits a(3), ... a million coroutines deep,
-- and the value comes back all the way up. Then two coroutine functions swap
-- places by weir.noreturn ten million times in constant memory.
--
--   lua5.4 examples/mutual.lua [depth [hops]]      (or WEIR_DEPTH, WEIR_HOPS)

local weir = require "weir"

local DEPTH = tonumber(arg and arg[1] or os.getenv "WEIR_DEPTH") or 1000000
local HOPS = tonumber(arg and arg[2] or os.getenv "WEIR_HOPS") or 10000000

io.stdout:setvbuf "line" -- a demo is for watching, through a pipe too

local function memory()
  collectgarbage()
  collectgarbage() -- what finalizers let go in the first pass
  return collectgarbage "count"
end

-- Awaiting: every level is alive until the deepest one answers ---------------

local a, b

a = weir.coroutine(function(n)
  if n == DEPTH then return 1 end
  return 1 + weir.await(b(n + 1)) -- each level adds itself on the way up
end)

b = weir.coroutine(function(n)
  if n == DEPTH then return 1 end
  return 1 + weir.await(a(n + 1))
end)

local clock = os.clock()
local levels = weir.run(a, 1)
assert(levels == DEPTH, "a level got lost")
print(("a awaits b awaits a ...: %d levels came back, %.1f s"):format(
  levels, os.clock() - clock))

-- noreturn: only the one that runs is alive ----------------------------------

local before, after

local tick, tock

tick = weir.coroutine(function(n)
  before = before or memory()
  if n < HOPS then return weir.noreturn(tock, n + 1) end -- tock is our new body
  -- Measured in the last body, so that the end of the coroutine frees nothing.
  after = memory()
  return n
end)

tock = weir.coroutine(function(n)
  if n < HOPS then return weir.noreturn(tick, n + 1) end
  after = memory()
  return n
end)

memory() -- the million coroutines above go now, not in the time of the hops
clock = os.clock()
local hops = weir.run(tick, 0)
print(("tick becomes tock becomes tick ...: %d hops, %.1f s"):format(
  hops, os.clock() - clock))
print(("memory: %.1f KB before, %.1f KB after"):format(before, after))
assert(after - before < 64, "the hops left something behind")
