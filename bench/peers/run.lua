--- Runs the same workloads on weir and on its peers and prints them side by side.
-- lua bench/peers/run.lua [row ...]; see README.md beside this file.
local dir = arg[0]:gsub("[^/]*$", "")
package.path = dir .. "../?.lua;" .. package.path
local process = require "process"

local RUNS = 5
local NOT_INSTALLED, NO_COMMAND = 3, 127
local small = os.getenv "WEIR_SCALE" == "small"
local lua, python = process.interpreter(), os.getenv "PYTHON" or "/usr/bin/python3"
local node = os.getenv "NODE" or "/usr/bin/node"

-- A slow one goes through a tenth of a loop: that is long enough.
local PEERS = {
  { name = "weir", lua, "weir.lua" },
  { name = "plain Lua", lua, "plain.lua" },
  { name = "cqueues", lua, "cqueues.lua" },
  { name = "luv", lua, "luv.lua" },
  { name = "Twisted", python, "-B", "twisted_peer.py", slow = true },
  { name = "asyncio", python, "-B", "asyncio_peer.py", slow = true },
  { name = "Node", node, "node.mjs" },
}

-- What is not a loop has all n at the same time.
local ROWS = {
  { "switch", "switch, one coroutine", 1000000, loop = true },
  { "switch1000", "switch, 1,000 coroutines", 1000000, loop = true },
  { "spawn", "spawn from the host", 1000000, loop = true },
  { "spawn_await", "spawn + await in a coroutine", 1000000, loop = true },
  { "ping_pong", "ping-pong", 500000, loop = true },
  { "callbacks", "Deferred, 3 callbacks, fire", 1000000, loop = true },
  { "all", "all of 100,000, each", 100000 },
  { "nested", "nested awaits, per level", 1000000 },
  { "cancel", "cancel of 100,000 sleepers, each", 100000 },
  { "sleepers", "1,000,000 sleepers, each", 1000000 },
  { "memory", "waiting coroutine, bytes", 100000 },
}

-- -- measuring ------------------------------------------------------------------------------------

local function start(peer, workload, n)
  local words = table.move(peer, 1, #peer, 1, {})
  words[#words] = dir .. words[#words]
  words[#words + 1] = workload
  words[#words + 1] = n
  return process.run(table.unpack(words))
end

--- Asks for the version: whoever cannot tell that is not there.
local function find(peer)
  local output, status = start(peer, "version", 0)
  if status == 0 then
    peer.version = output:gsub("%s+$", "")
  elseif status ~= NOT_INSTALLED and status ~= NO_COMMAND then
    error(peer.name .. " cannot be started", 0)
  end
end

local function median(figures)
  table.sort(figures)
  return figures[(#figures + 1) // 2]
end

--- One run of a row by one peer: what was measured is added to the cell.
local function measure(cell, peer, row)
  local n = small and row[3] // 10 or row[3]
  local output, status = start(peer, row[1], row.loop and peer.slow and n // 10 or n)
  local figure, size = output:match "^(%S+)%s*(%d*)"
  cell.failed = cell.failed or status ~= 0
  cell.size = size ~= "" and size or nil
  cell[#cell + 1] = tonumber(figure)
end

--- The peers take turns, so that all see the machine in the same state.
local function cells_of(row)
  local cells = {}
  for _ = 1, small and 1 or RUNS do
    for i, peer in ipairs(PEERS) do
      cells[i] = cells[i] or {}
      if peer.version and not cells[i].failed then
        measure(cells[i], peer, row)
      end
    end
  end
  return cells
end

-- -- printing -------------------------------------------------------------------------------------

local function thousands(n)
  local text = string.format("%.0f", n)
  return (text:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

local function text_of(cell, peer)
  if not peer.version then
    return "not installed"
  elseif cell.failed then
    return "FAILED"
  elseif #cell == 0 then
    return "-"
  end
  return thousands(median(cell)) .. (cell.size and " [" .. thousands(cell.size) .. "]" or "")
end

local function print_line(title, texts)
  local out = { string.format("%-33s", title) }
  for i, text in ipairs(texts) do
    out[i + 1] = string.format("%18s", text)
  end
  print(table.concat(out))
end

local function print_head()
  local names, versions = {}, {}
  for i, peer in ipairs(PEERS) do
    names[i], versions[i] = peer.name, peer.version or ""
  end
  print_line("ns per operation, median of " .. (small and 1 or RUNS), names)
  print_line("", versions)
end

-- -- what to run ----------------------------------------------------------------------------------

local function chosen()
  local known, names, rows = {}, {}, {}
  for i, row in ipairs(ROWS) do
    known[row[1]], names[i] = row, row[1]
  end
  for i, name in ipairs(arg) do
    rows[i] = known[name]
    if not rows[i] then
      io.stderr:write("no row '", name, "'; there are: ", table.concat(names, " "), "\n")
      os.exit(1)
    end
  end
  return #rows > 0 and rows or ROWS
end

local rows, failed = chosen(), false
io.stdout:setvbuf "line"
for _, peer in ipairs(PEERS) do
  find(peer)
end
print_head()
for _, row in ipairs(rows) do
  local texts = {}
  for i, cell in ipairs(cells_of(row)) do
    texts[i] = text_of(cell, PEERS[i])
    failed = failed or cell.failed
  end
  print_line(row[2], texts)
end
os.exit(not failed)
