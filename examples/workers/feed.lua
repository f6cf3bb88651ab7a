--- Adds jobs, some at a time; waits while there are too many in the queue.
local backoff = require "workers.backoff"
local weir = require "weir"

local BATCH = 100
local FIRST, MOST = 0.01, 0.5 -- seconds to wait, while nothing is taken

local function fill(batch, jobs)
  while #batch < BATCH do
    local job = jobs()
    if not job then return end
    batch[#batch + 1] = job
  end
end

local function drop_first(batch, n)
  table.move(batch, n + 1, #batch + n, 1)
end

--- @param jobs iterator
--- @param most how many there may be in the queue
--- @param on_added called for each that is in the queue
return function(queue, jobs, most, on_added)
  local batch, refused = {}, 0
  fill(batch, jobs)
  while #batch > 0 do
    local n = queue:add(batch, most)
    for i = 1, n do on_added(batch[i]) end
    drop_first(batch, n)
    fill(batch, jobs)
    refused = n == 0 and refused + 1 or 0
    if refused > 0 then weir.sleep(backoff(refused, FIRST, MOST)) end
  end
end
