-- Kinds of jobs, for a try: each gets a table with `id`, `kind`, `args`, `attempt` and `worker`, and returns a string.
local weir = require "weir"

local kinds = {}

function kinds.echo(job)
  return job.args
end

function kinds.sleep(job)
  weir.sleep(tonumber(job.args))
  return "slept"
end

-- Fails so many times.
function kinds.fail(job)
  if job.attempt <= tonumber(job.args) then error("attempt " .. job.attempt .. " has failed", 0) end
  return "at last"
end

-- Never waits; it is the slices that let others run.
function kinds.primes(job)
  local count = 0
  for n = 2, tonumber(job.args) do
    local is_prime = true
    for k = 2, math.floor(math.sqrt(n)) do
      if n % k == 0 then is_prime = false; break end
    end
    if is_prime then count = count + 1 end
  end
  return tostring(count)
end

return kinds
