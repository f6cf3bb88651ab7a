-- Kinds of jobs for workers_spec.lua. What they do is to be seen in files in the directory WEIR_MARKS, one for each
-- worker process: so it is known also of a worker that has been killed.
local weir = require "weir"
local uv = require "weir.luv".uv

local DIR = os.getenv "WEIR_MARKS"

local file

local function mark(what, job)
  if not file then
    file = assert(io.open(("%s/%d"):format(DIR, uv.os_getpid()), "a"))
    file:setvbuf "line"
  end
  file:write(what, " ", job.id, " ", job.attempt, "\n")
end

local function cleaning(job)
  return setmetatable({}, { __close = function() mark("cleaned", job) end })
end

local function exists(path)
  return uv.fs_stat(path) ~= nil
end

local kinds = {}

-- Takes some seconds.
function kinds.mark(job)
  if job.args ~= "" then weir.sleep(tonumber(job.args)) end
  mark("did", job)
  return "result of " .. job.id
end

-- Ends when the spec has made a file.
function kinds.wait(job)
  mark("begun", job)
  local _ <close> = cleaning(job)
  while not exists(DIR .. "/" .. job.args) do weir.sleep(0.005) end
  return "waited"
end

-- The first attempt never ends.
function kinds.second(job)
  mark("begun", job)
  local _ <close> = cleaning(job)
  if job.attempt == 1 then weir.sleep(math.huge) end
  return "by " .. job.worker
end

-- Takes its worker with it.
function kinds.poison(job)
  mark("begun", job)
  uv.kill(uv.os_getpid(), "sigkill")
end

-- Computes for some seconds, and never waits.
function kinds.spin(job)
  mark("begun", job)
  local stop = uv.hrtime() + tonumber(job.args) * 1e9
  repeat until uv.hrtime() > stop
  return "spun"
end

function kinds.fail(job)
  if job.attempt <= tonumber(job.args) then error("attempt " .. job.attempt, 0) end
  return "at last"
end

return kinds
