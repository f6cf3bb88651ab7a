-- A producer: adds jobs, and waits when the queue is full. It prints the id of each.
-- lua5.4 producer.lua --queue NAME --kind KIND [--args TEXT] [--count N] [--tries N] [--limit SECONDS] ...
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/../?.lua;" .. package.path
local luv = require "weir.luv"
local Queue = require "workers.queue"
local feed = require "workers.feed"

local options = require "workers.options".parse(arg, {
  redis = "127.0.0.1:6379", queue = "jobs", kind = "echo", args = "",
  id = "", -- of the job, or with --count what their ids begin with; otherwise they are made up
  count = 1,
  tries = 5, -- attempts before it is a dead letter
  limit = 0, -- seconds that an attempt may take; 0: any
  most = 10000, -- jobs in the queue; with more, wait
})

local function id_of(i)
  if options.id == "" then return ("%d-%d-%d"):format(os.time(), luv.uv.os_getpid(), i) end
  return options.count == 1 and options.id or options.id .. i
end

-- An iterator.
local function jobs()
  local i = 0
  return function()
    if i == options.count then return nil end
    i = i + 1
    return { id = id_of(i), kind = options.kind, args = options.args, tries = options.tries, limit = options.limit }
  end
end

luv.run(function()
  local queue = Queue.new(options)
  feed(queue, jobs(), options.most, function(job) print(job.id) end)
  queue:close()
end)
