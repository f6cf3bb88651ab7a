-- The ready queue, calls from the host, and the turn (rules 3.5, 3.8, 7.3).
local m = require "spec.model.state"

--- Is no coroutine, callback or hook running?
function m.in_host()
  return not m.current and m.depth == 0
end

--- To the back of the queue; one that is held is kept beside it until it is free (6.1). What yielded
--- waits for the next pass, and without inline what is woken outside of the loop too.
function m.make_ready(co)
  if co.life ~= "new" then co.life = "ready" end
  if m.held(co) then
    co.parked = true
  else
    co.next_pass = co.waits_pass or not m.inline and not m.looping
    table.insert(m.ready, co)
  end
end

-- In the module it stays there for the collector to see until its turn would have come.
local function out_of_queue(co)
  for i, other in ipairs(m.ready) do
    if other == co then
      m.undecided.ghost = true
      return table.remove(m.ready, i)
    end
  end
end

--- Held while it is ready: it leaves the queue.
function m.park(co)
  if not out_of_queue(co) then return end
  co.parked = true
end

--- Free again: to the back.
function m.unpark(co)
  if not co.parked then return end
  co.parked = false
  m.make_ready(co)
end

function m.forget_ready(co)
  out_of_queue(co)
  co.parked, co.yielded, co.waits_pass = false, false, false
end

-- The first in the queue that need not wait for another pass.
local function first_ready()
  for i, co in ipairs(m.ready) do
    if not co.next_pass then return table.remove(m.ready, i) end
  end
end

-- Runs what was woken, and what that wakes.
local function run_ready()
  m.looping = true
  m.cancel_lost()
  local co = first_ready()
  while co do
    m.resume(co)
    co = first_ready()
  end
  m.end_turn()
  m.looping = false
end

--- 3.5: a call from the host runs what it woke before it returns.
function m.turn()
  if m.inline then run_ready() end
end

--- What a call ends with, unless it raises: all is told, hooks have run.
function m.finish_call()
  m.drain()
  m.settle_hooks()
  if m.in_host() then m.turn() end
end

--- Wraps a function of the interface.
function m.entry(f)
  return function(...)
    local results = table.pack(f(...))
    m.finish_call()
    return table.unpack(results, 1, results.n)
  end
end

--- 7.3: one pass: all that is ready; what yields in it waits for the next.
function m.step()
  if not m.in_host() then m.wrong("step") end
  for _, co in ipairs(m.ready) do
    co.next_pass = false
  end
  run_ready()
  local left = (m.ready[1] or m.lost[1]) and 0 or m.time_to_next()
  if left ~= 0 then m.report_all() end -- 8.1: idle
  return m.ready[1] and 0 or left
end

-- 3.8: never twice: one that is lost again in its cleanup is closed.
local function cancel_lost(co)
  if co.life == "ended" then return end
  if co.found then
    m.close(co)
  else
    co.found = true
    m.cancel(co, "collected")
  end
end

--- 3.8: those that the collector has found, in the order in which they were started.
function m.cancel_lost()
  local lost = m.lost
  m.lost = {}
  table.sort(lost, function(a, b) return a.born < b.born end)
  for _, co in ipairs(lost) do
    cancel_lost(co)
    m.drain()
  end
end

return m
