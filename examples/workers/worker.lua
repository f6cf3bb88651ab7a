-- A worker. It does jobs until it gets SIGTERM or SIGINT, or is told so by ctl.lua; a second signal ends it at once.
-- lua5.4 worker.lua --queue NAME [--redis HOST:PORT] [--kinds FILE] [--slots N] [--lease SECONDS] ...
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/../?.lua;" .. package.path
local weir = require "weir"
local luv = require "weir.luv"
local Crew = require "workers.crew"
local Queue = require "workers.queue"

local options = require "workers.options".parse(arg, {
  redis = "127.0.0.1:6379", queue = "jobs", kinds = here .. "/kinds.lua", name = "",
  slots = 10, -- jobs at the same time
  lease = 30, -- seconds; who has not been heard of for so long has lost its jobs
  patience = 10, -- seconds for jobs to end in, at the end
  backoff = 1, ["most-backoff"] = 300, -- seconds; the first pause behind a failure, and the longest
  tick = 0.5, -- seconds; pauses are looked at that often
})

local function obey_signals(crew)
  local seen = 0
  for name in luv.signals("sigterm", "sigint") do
    seen = seen + 1
    if seen > 1 then os.exit(1) end
    crew:log(name)
    crew:drain()
  end
end

luv.run(function()
  local queue = Queue.new(options)
  local crew = Crew.new(queue, dofile(options.kinds), options)
  local signals = weir.spawn(obey_signals, crew)
  crew:run()
  signals:cancel()
  queue:close()
end)
