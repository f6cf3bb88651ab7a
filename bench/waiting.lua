--- A program: what coroutines that wait take in a process that does nothing else.
-- lua waiting.lua KIND N writes bytes per coroutine, by Lua's count and as the system counts them.
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local weir = require "weir"
local chain = require "chain"
local plain = require "plain"
local process = require "process"
local spawn, await = weir.spawn, weir.await

--- Each has n coroutines wait, in a given list of that length, and returns what keeps them alive.
local kinds = {
  plain = plain.suspended,

  chain = function(n)
    return (chain(n))
  end,

  event = function(n, list)
    local gate = weir.Deferred()
    for i = 1, n do
      list[i] = spawn(await, gate)
    end
    return list
  end,

  own = function(n, list)
    for i = 1, n do
      list[i] = spawn(await, weir.Deferred())
    end
    return list
  end,
}

--- It does not grow when the coroutines come, so that only they are counted.
local function list_of(n)
  local list = {}
  for i = 1, n do
    list[i] = false
  end
  return list
end

local kind, n = arg[1], tonumber(arg[2])
local list = list_of(n)
local lua_before, before = process.lua_bytes(), process.resident_bytes() or 0
local held = kinds[kind](n, list)
local after, lua_after = process.resident_bytes() or 0, process.lua_bytes()
assert(held)
print((lua_after - lua_before) // n, (after - before) // n)
