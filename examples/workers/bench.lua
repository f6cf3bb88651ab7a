-- Measures a queue on this machine: jobs a second with 1, 2 and 4 workers, what each job costs whom, and how long it
-- takes from the adding of a job to its beginning. The jobs do nothing; Redis writes nothing to disk.
-- lua5.4 bench.lua [--jobs N] [--slots N]
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/../?.lua;" .. package.path
local weir = require "weir"
local luv = require "weir.luv"
local Queue = require "workers.queue"
local feed = require "workers.feed"
local new_server = require "workers.server"

local options = require "workers.options".parse(arg, { jobs = 10000, slots = 10 })

local TICKS = 100 -- a second, in /proc
local SINGLE = 300 -- jobs one by one, for the time to their beginning

-- Seconds of processor time.
local function time_of(process)
  local file <close> = assert(io.open(("/proc/%d/stat"):format(process.pid)))
  local fields = {}
  for field in file:read "a":match "%) (.*)$":gmatch "%S+" do fields[#fields + 1] = field end
  return (fields[12] + fields[13]) / TICKS
end

local function time_of_all(processes)
  local sum = 0
  for _, process in ipairs(processes) do sum = sum + time_of(process) end
  return sum
end

local function stop(workers)
  for _, worker in ipairs(workers) do worker:kill "sigterm" end
  for _, worker in ipairs(workers) do weir.await(worker.exited) end
end

local function start_workers(server, queue, n)
  local workers = setmetatable({}, { __close = stop })
  for i = 1, n do
    workers[i] = luv.spawn(arg[-1], {
      args = { here .. "/worker.lua", "--redis", server.address, "--queue", queue.name,
        "--slots", tostring(options.slots) },
      stdio = { nil, "inherit" },
    })
  end
  while #queue:status().workers < n do weir.sleep(0.02) end
  return workers
end

local function jobs_of(n)
  local i = 0
  return function()
    if i == n then return nil end
    i = i + 1
    return { id = tostring(i), kind = "echo", args = "x" }
  end
end

local function ignore() end

local function await_done(queue, n)
  while (queue:status().count.done or 0) < n do weir.sleep(0.02) end
end

local function new_queue(server, name)
  local queue = Queue.new { redis = server.address, queue = name }
  queue.name = name
  return queue
end

local function measure_adding(server)
  local queue <close> = new_queue(server, "adding")
  local start, used = weir.now(), time_of(server.process)
  feed(queue, jobs_of(options.jobs), math.huge, ignore)
  local seconds = weir.now() - start
  print(("adding, one producer: %6.0f jobs/s; redis %3.0f us a job"):format(options.jobs / seconds,
    (time_of(server.process) - used) / options.jobs * 1e6))
end

-- All are in the queue when the workers begin.
local function measure_workers(server, n)
  local queue <close> = new_queue(server, "workers" .. n)
  feed(queue, jobs_of(options.jobs), math.huge, ignore)
  local start, used = weir.now(), time_of(server.process)
  local workers <close> = start_workers(server, queue, n)
  await_done(queue, options.jobs)
  local seconds, n_us = weir.now() - start, 1e6 / options.jobs
  print(("%d workers:            %6.0f jobs/s; redis %3.0f us, workers %3.0f us a job"):format(n,
    options.jobs / seconds, (time_of(server.process) - used) * n_us, time_of_all(workers) * n_us))
end

local function measure_waits(server, n)
  local queue <close> = new_queue(server, "waits" .. n)
  local _ <close>, waits = start_workers(server, queue, n), {}
  for i = 1, SINGLE do
    queue:add({ { id = tostring(i), kind = "echo" } }, math.huge)
    weir.sleep(0.01)
  end
  await_done(queue, SINGLE)
  for i = 1, SINGLE do
    local job = queue:job(i)
    waits[i] = (job.begun - job.added) / 1000
  end
  table.sort(waits)
  print(("%d workers, one job each 10 ms: from the adding to the beginning %.2f ms, 99 of 100 within %.2f ms"):format(n,
    waits[SINGLE // 2], waits[SINGLE * 99 // 100]))
end

luv.run(function()
  local server <close> = new_server(false)
  print(("%d jobs, %d slots a worker, %d cores"):format(options.jobs, options.slots, luv.uv.available_parallelism()))
  measure_adding(server)
  for _, n in ipairs { 1, 2, 4 } do measure_workers(server, n) end
  for _, n in ipairs { 1, 4 } do measure_waits(server, n) end
end)
