-- The manual clock, its timers and limits (section 7, rules 2.7, 3.3, 6.2).
local m = require "spec.model.state"

--- A timer: kind is "grace" if it is nothing to wait for (5.6).
function m.arm(deadline, f, kind)
  local timer = { deadline = deadline, f = f, kind = kind }
  return m.rearm(timer)
end

-- 3.5: (deadline, armed) order.
function m.rearm(timer)
  m.armed = m.armed + 1
  timer.armed, timer.instant = m.armed, timer.deadline <= m.now
  table.insert(m.timers, timer)
  table.sort(m.timers, function(a, b)
    if a.deadline ~= b.deadline then return a.deadline < b.deadline end
    return a.armed < b.armed
  end)
  return timer
end

function m.disarm_timer(timer)
  for i, other in ipairs(m.timers) do
    if other == timer then return table.remove(m.timers, i) end
  end
end

--- 6.2: the remaining time is kept; of one that is overdue there is none.
function m.freeze(timer)
  if m.disarm_timer(timer) then timer.left = math.max(timer.deadline - m.now, 0) end
end

function m.thaw(timer)
  if not timer.left then return end
  timer.deadline, timer.left = m.now + timer.left, nil
  m.rearm(timer)
end

--- d has an outcome: its timers are nothing any more.
function m.disarm(d)
  if d.timer then m.disarm_timer(d.timer) end
  d.timer = nil
end

--- 7.1
function m.after(seconds, ...)
  local d = m.new()
  local outcome = m.success(...)
  d.timer = m.arm(m.now + seconds, function()
    if d.phase == "pending" then m.fire(d, outcome) end
  end)
  return d
end

function m.sleep(seconds)
  m.strike(m.waiter("sleep"))
  return m.await(m.after(seconds))
end

--- 2.7: the first of several counts; it ends with d.
function m.Deferred:timeout(seconds)
  if self.phase == "settled" then return self end
  local timer
  timer = m.arm(m.now + seconds, function()
    m.disarm_limit(self, timer)
    m.time_out(self)
  end)
  table.insert(self.limits, timer)
  return self
end

function m.time_out(d)
  local err = m.error_object("CancelledError", m.error_object("TimeoutError"))
  local before = d.timed_out
  d.timed_out = true
  if not m.hit(d, err, m.now + m.grace_time) then d.timed_out = before end
end

--- The cancel error that comes of d's own timeout becomes its TimeoutError.
function m.after_timeout(d, outcome)
  local timed_out, err = d.timed_out, outcome[1]
  d.timed_out = nil
  if not timed_out or outcome.ok or not m.is_cancelled(err) or not m.is_timeout(err.reason) then return outcome end
  return m.failure(err.reason)
end

function m.disarm_limit(d, timer)
  for i, other in ipairs(d.limits) do
    if other == timer then table.remove(d.limits, i) end
  end
  m.disarm_timer(timer)
end

--- d has settled: all its limits are nothing any more.
function m.disarm_limits(d)
  while d.limits[1] do m.disarm_limit(d, d.limits[1]) end
end

--- 3.3: the time of an await is up: this waiter alone leaves.
function m.limit(wait, seconds)
  wait.timer = m.arm(m.now + seconds, function()
    local err = m.error_object("TimeoutError")
    m.leave_late(wait, err)
  end)
end

-- The first timer due by then; one armed for the present instant waits for the next advance (7.2).
local function first_due(time, armed_before)
  for _, timer in ipairs(m.timers) do
    if timer.deadline > time then return end
    if not timer.instant or timer.armed <= armed_before then return timer end
  end
end

-- Fires all timers of the first deadline up to `target`; false if there is none.
local function fire_batch(target, armed_before)
  local timer = first_due(target, armed_before)
  if not timer then return false end
  local deadline = timer.deadline
  m.now = math.max(m.now, deadline)
  while timer do
    m.disarm_timer(timer)
    timer.f()
    m.drain()
    m.settle_hooks()
    timer = first_due(deadline, armed_before)
  end
  return true
end

--- 7.2: from deadline to deadline, woken coroutines running in between; in a coroutine each is a wait.
function m.advance(seconds)
  local target, armed_before = m.now + seconds, m.armed
  m.advancing = m.advancing + 1
  m.undecided.nested = m.undecided.nested or m.advancing > 1
  while fire_batch(target, armed_before) do
    if m.may_suspend() then
      m.give_way(false)
    elseif m.in_host() then
      m.turn()
    end
  end
  m.now = math.max(m.now, target)
  m.advancing = m.advancing - 1
end

--- 7.3: what step returns. Grace alone is nothing to wait for (5.6), nor is infinity (7.1).
function m.time_to_next()
  for _, timer in ipairs(m.timers) do
    if timer.kind ~= "grace" and timer.deadline < math.huge then return math.max(0, m.timers[1].deadline - m.now) end
  end
end

return m
