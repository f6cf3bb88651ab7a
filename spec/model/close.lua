-- close, the force (rule 5.7).
local m = require "spec.model.state"

local function has_outcome(d)
  return d.phase == "fired" or d.phase == "settled"
end

local function is_executing(d)
  return d.phase == "pending" and (d.life == "running" or d.life == "calling")
end

-- What has just been left goes along if that was the last waiter; also if its own grace is over (5.6).
local function goes_along(d)
  if has_outcome(d) then return false end
  return #d.waiters == 0 or d.deadline and d.deadline <= m.now
end

-- It cannot be closed before its next wait.
local function stop_executing(co, err)
  m.hit(co, err, m.now)
  co.force = true
end

-- Marks what is to end, from the outside in; cancellers are asked. Returns whether it is to end with
-- the others.
local function mark(d, err)
  if m.is_coroutine(d) or d.phase == "waiting" then
    d.cancelled = d.cancelled or m.is_coroutine(d) and err
    d.marked, d.overridden = d.marked or err, true
    m.rehold(d)
    return true
  end
  if d.marked then return d.waits[1] ~= nil end
  return m.ask(d, err)
end

-- All that ends along with d, from the outside in: one line of waits after the other.
local function collect(d, err)
  local ending, lines = {}, { d }
  while lines[1] do
    local x = table.remove(lines, 1)
    if is_executing(x) then
      stop_executing(x, err)
    elseif mark(x, err) then
      table.insert(ending, x)
      local branches = {}
      while x.waits[1] do
        local wait = x.waits[1]
        m.end_wait(wait)
        if wait.how ~= "shield" and goes_along(wait.on) then table.insert(branches, wait.on) end
      end
      local first = x.phase == "pending" and not m.is_coroutine(x) and #lines + 1 or 1
      for i, branch in ipairs(branches) do
        table.insert(lines, first + i - 1, branch)
      end
    end
  end
  return ending
end

-- Returns the failure of a handler.
local function finish(d, err)
  if has_outcome(d) then return end -- by a handler of another
  m.end_grace(d)
  if d.phase == "waiting" then
    m.settle_adopter(d, m.failure(d.cancelled or err))
    return
  end
  local owed = d.life == "ready" and d.arrived and d.arrived == d.owes and d.owes
  local failure = d.thread and m.close_thread(d) or nil
  d.life, d.thread = d.life and "ended", nil
  m.forget_ready(d)
  m.fire(d, failure or m.failure(d.cancelled or err))
  if owed then m.report(owed[1]) end -- 8.1: it has been told of that, and cannot see to it any more
  return failure
end

--- 5.6: closed now, or if it is running at its next wait.
function m.force(co)
  if is_executing(co) then
    co.force = true
  else
    m.close(co)
  end
end

--- 5.7: from the inside out. Returns the failure of a handler of co.
function m.close(co)
  if has_outcome(co) then return end
  if is_executing(co) then m.wrong("close a running Coroutine") end
  local err = m.error_object("CancelledError")
  m.undecided.circle = m.undecided.circle or m.has_circle
  local ending = collect(co, err)
  local failure
  for i = #ending, 1, -1 do
    local raised = finish(ending[i], err)
    if ending[i] == co then failure = failure or raised end
  end
  return failure
end

--- A handler's error is returned, and thus handled (8.1).
function m.Coroutine:close()
  local failure = m.close(self)
  if not failure then return true end
  failure.seen = true
  return false, failure[1]
end

return m
