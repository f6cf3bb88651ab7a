--- One attempt at one job: begun, run, its outcome told.
local backoff = require "workers.backoff"
local weir = require "weir"

local SLICE = 1000000 -- instructions

-- One that computes must not keep its worker from renewing the lease. Nothing but jobs is taken apart.
local function run_sliced(f, job)
  weir.current():slice(SLICE)
  return f(job)
end

-- Awaits the job's function. Returns its outcome as the queue wants it.
local function outcome_of(crew, item, job)
  local f = crew.kinds[job.kind]
  if not f then return "failed", "no such kind of job: " .. job.kind end
  item.co = weir.spawn(run_sliced, f, job)
  if job.limit > 0 then item.co:timeout(job.limit) end
  local ok, answer = pcall(weir.await, item.co)
  if not ok then return "failed", tostring(answer) end
  return "done", answer == nil and "" or tostring(answer)
end

local function run(crew, item, job)
  local outcome, text
  if not item.why then outcome, text = outcome_of(crew, item, job) end
  if item.why == "cancelled" and outcome ~= "done" then return "cancelled", item.text end
  return outcome, text
end

local function tell(crew, item, job, outcome, text)
  item.is_ending = true
  local state = crew.finishing:call {
    entry = item.entry, id = item.id, outcome = outcome, text = text,
    pause = backoff(job.attempt, crew.options.backoff, crew.options["most-backoff"]),
  }
  if state == "lost" then
    crew:log("has lost job %s", item.id)
  elseif state ~= "done" then
    crew:log("job %s, attempt %d: %s: %s", item.id, job.attempt, state, text)
  end
end

local function begin(crew, item)
  local what, kind, args, attempt, limit = table.unpack(crew.beginning:call(item))
  if what ~= "run" then return nil end
  return { id = item.id, kind = kind, args = args, attempt = attempt, limit = tonumber(limit), worker = crew.name }
end

--- Awaits all of it. What was lost, or is to be given back, is left as it is.
return function(crew, item)
  local job = begin(crew, item)
  if not job then return end
  local outcome, text = run(crew, item, job)
  if item.why == "lost" or item.why == "drain" and outcome ~= "done" then return end
  tell(crew, item, job, outcome, text)
end
