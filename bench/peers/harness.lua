--- What the peers written in Lua share.
-- lua PEER.lua WORKLOAD N: prints nanoseconds (bytes for "memory") per operation, and of how many
-- operations if not of N; "-" if the peer has no such workload. WORKLOAD may be "version".
local clock = os.clock

local harness = {}

--- For the program that runs the peers: the module is not there, which is no failure.
local NOT_INSTALLED = 3

function harness.require(name)
  local ok, module = pcall(require, name)
  if not ok then
    os.exit(NOT_INSTALLED)
  end
  return module
end

--- For the outcomes of the last 1,000 spawns: who starts something keeps what that gives, and a
-- compiler cannot leave it out.
function harness.kept()
  local list = {}
  for i = 1, 1000 do
    list[i] = false
  end
  return list
end

--- n delays of 1 to 2 seconds, in random order.
function harness.delays(n)
  local list = {}
  math.randomseed(1)
  for i = 1, n do
    list[i] = 1 + math.random()
  end
  return list
end

local function collect()
  collectgarbage()
  collectgarbage()
end

--- If the workload returns a function, it has only prepared: what it returned is what counts.
local function nanoseconds(workload, n)
  local start = clock()
  local result = workload(n)
  local stop = clock()
  if type(result) == "function" then
    collect()
    start = clock()
    result()
    stop = clock()
  end
  return (stop - start) * 1e9 / n
end

local function resident_bytes()
  local file = assert(io.open "/proc/self/statm")
  local _, pages = file:read("n", "n")
  file:close()
  return pages * 4096
end

--- What the process grows by, garbage included. The list does not grow when the coroutines come.
local function bytes(waiting, n)
  local list = {}
  for i = 1, n do
    list[i] = false
  end
  collect()
  local before = resident_bytes()
  local held = waiting(n, list)
  local after = resident_bytes()
  assert(held)
  return (after - before) / n
end

--- `most` says how many operations a peer can do at once, where these are fewer.
function harness.run(version, workloads, most)
  local name, n = arg[1], tonumber(arg[2])
  local workload = workloads[name]
  if name == "version" then
    print(version)
    return
  end
  if not workload then
    print "-"
    return
  end
  local size = math.min(n, most and most[name] or n)
  local figure
  if name == "memory" then
    figure = bytes(workload, size)
  else
    nanoseconds(workload, math.max(size // 10, 1))
    collect()
    figure = nanoseconds(workload, size)
  end
  print(figure, size < n and size or "")
end

return harness
