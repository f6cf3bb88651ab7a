--- Runs echo servers side by side under the same load, in turn, and prints round trips and processor time.
-- lua bench/echo/run.lua PATH_OF_LOAD [connections ...]; see README.md beside this file.
local dir = arg[0]:gsub("[^/]*$", "")
package.path = dir .. "../?.lua;" .. package.path
local process = require "process"

local small = os.getenv "WEIR_SCALE" == "small"
-- Many short ones: what else a machine does goes on for seconds.
local ROUNDS = small and 1 or 15
local SECONDS = small and 0.2 or 1 -- that one takes, about
local BYTES = 64

local SERVERS = {
  { name = "luv, callbacks", path = dir .. "luv.lua" },
  { name = "luv, callbacks, try_write", path = dir .. "luv_try.lua" },
  { name = "luv, plain coroutines", path = dir .. "luv_coroutines.lua" },
  { name = "cqueues", path = dir .. "cqueues.lua" },
  { name = "weir.luv", path = dir .. "../../examples/echo/server.lua" },
}

-- -- one server -----------------------------------------------------------------------------------

local function read_number(path)
  local file = io.open(path)
  local n = file and file:read "n"
  if file then file:close() end
  return n
end

--- In the background: its number and its port, which it prints.
local function start(server)
  local output = os.tmpname()
  local command = ("exec 3>&1; %s %s >%s & echo $! >&3"):format(process.interpreter(), server.path, output)
  local pipe = assert(io.popen(command))
  local pid = pipe:read "n"
  local deadline, port = os.time() + 10, read_number(output)
  while not port and os.time() <= deadline do port = read_number(output) end
  os.remove(output)
  assert(port, server.path .. " does not start")
  return pid, port, pipe
end

local function stop(pid, pipe)
  os.execute("kill " .. pid)
  pipe:close()
end

--- Seconds of so many round trips, and of processor time; negative where that is not known.
local function load(pid, port, connections, trips)
  local output, status = process.run(arg[1], port, connections, trips, BYTES, pid)
  assert(status == 0, "the load has failed")
  local seconds, processor = output:match "(%S+) (%S+)"
  return tonumber(seconds), tonumber(processor)
end

--- Round trips a second, and microseconds of processor time for each.
local function measure(server, connections)
  local pid, port, pipe = start(server)
  local warm = 2000
  local trips = math.ceil(warm / load(pid, port, connections, warm) * SECONDS)
  local seconds, processor = load(pid, port, connections, trips)
  stop(pid, pipe)
  return trips / seconds, processor > 0 and processor / trips * 1e6 or nil
end

-- -- all of them ----------------------------------------------------------------------------------

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function is_there(server)
  if server.name ~= "cqueues" then return true end
  return select(2, process.run(process.interpreter(), "-e", "require 'cqueues'")) == 0
end

local function measure_all(connections)
  local rates, times = {}, {}
  for round = 1, ROUNDS do
    for place = 1, #SERVERS do
      local i = (round + place) % #SERVERS + 1 -- not always behind the same one
      local server = SERVERS[i]
      if is_there(server) then
        rates[i], times[i] = rates[i] or {}, times[i] or {}
        local rate, time = measure(server, connections)
        table.insert(rates[i], rate)
        table.insert(times[i], time)
      end
    end
  end
  return rates, times
end

local function print_row(server, rates, times, base)
  if not rates then return print(("%-28s not installed"):format(server.name)) end
  local rate, time = median(rates), median(times)
  print(("%-28s %12.0f %12.2f %14.2f"):format(server.name, rate, rate / base, time or 0))
end

for _, connections in ipairs(#arg > 1 and { table.unpack(arg, 2) } or { 1, 50, 1000 }) do
  print(("%-28s %12s %12s %14s"):format(
    ("%s connections, %d bytes"):format(connections, BYTES), "round trips", "of the first", "processor, us"))
  local rates, times = measure_all(connections)
  local base = median(rates[1])
  for i, server in ipairs(SERVERS) do print_row(server, rates[i], times[i], base) end
  print()
end
