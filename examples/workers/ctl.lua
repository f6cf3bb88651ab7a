-- Looks at a queue, and says what is to happen.
-- lua5.4 ctl.lua [--queue NAME] [--redis HOST:PORT] COMMAND: status, show ID, cancel ID [WHY], drain WORKER|all, dead,
-- retry ID|all.
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/../?.lua;" .. package.path
local luv = require "weir.luv"
local Queue = require "workers.queue"

local options = require "workers.options".parse(arg, { redis = "127.0.0.1:6379", queue = "jobs" })

local commands = {}

local function print_sorted(values)
  local names = {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do print(("  %-10s %s"):format(name, values[name])) end
end

function commands.status(queue)
  local status = queue:status()
  for _, name in ipairs { "queued", "held", "delayed", "dead" } do print(("%-8s %d"):format(name, status[name])) end
  print "so far"
  print_sorted(status.count)
  print "workers"
  for _, worker in ipairs(status.workers) do
    print(("  %s: has %d, heard of %.0f seconds ago"):format(worker.name, worker.held, status.now - worker.heard))
  end
end

function commands.show(queue, id)
  print_sorted(queue:job(id))
end

function commands.cancel(queue, id, why)
  print("it was: " .. queue:cancel(id, why))
end

function commands.drain(queue, worker)
  for _, name in ipairs(queue:drain(worker)) do print(name) end
end

function commands.dead(queue)
  for _, id in ipairs(queue:dead()) do print(id, queue:job(id).error) end
end

function commands.retry(queue, id)
  for _, one in ipairs(id == "all" and queue:dead() or { id }) do
    if queue:revive(one) then print(one) end
  end
end

local NEEDS = { show = true, cancel = true, drain = true, retry = true }

luv.run(function()
  local name, argument, rest = table.unpack(options)
  if not commands[name] or NEEDS[name] and not argument then
    io.stderr:write "ctl.lua: status, show ID, cancel ID [WHY], drain WORKER|all, dead, retry ID|all\n"
    os.exit(2)
  end
  local queue = Queue.new(options)
  commands[name](queue, argument, rest)
  queue:close()
end)
