--- What a coroutine that waits takes, each time in a new process.
local process = require "process"

local function by_lua(kind)
  return function(n)
    return tonumber(process.output("waiting.lua", kind, n):match "%d+")
  end
end

local function by_system(kind)
  return process.resident_bytes() and function(n)
    return tonumber(process.output("waiting.lua", kind, n):match "%d+%s+(%d+)")
  end
end

local function row(name, kind, measured)
  return {
    name = name,
    n = 100000,
    runs = 3,
    unit = "B",
    target = 1.3,
    workload = measured(kind),
    baseline = measured "plain",
  }
end

return {
  row("waiting in a chain, Lua's count", "chain", by_lua),
  row("waiting for one event, Lua's count", "event", by_lua),
  row("each for its own Deferred, Lua's count", "own", by_lua),
  row("waiting in a chain, process", "chain", by_system),
  row("waiting for one event, process", "event", by_system),
  row("each for its own Deferred, process", "own", by_system),
}
