-- Cancel, grace and close (section 5).
local m = require "spec.model.state"

local hit_one

local function has_outcome(d)
  return d.phase == "fired" or d.phase == "settled"
end

-- 5.9: nothing holds d any more. What it waits on along with others it leaves before: nothing changes
-- for them (5.3). Returns whether it has left.
local function free(d)
  local wait = (d.phase == "waiting" or d.life == "waiting") and d.waits[1]
  local leaves = wait and #wait.on.waiters > 1 and not has_outcome(wait.on)
  if leaves then m.end_wait(wait) end
  d.overridden = true
  m.rehold(d)
  return leaves
end

-- Has this cancel come by d on its way? Only a Coroutine tells that by its error.
local function was_hit(d, err)
  if m.is_coroutine(d) then return d.marked == err end
  return d.marked or d.phase == "waiting" and d.waits[1].leaving
end

-- 5.3: what a wait that is cancelled leaves alone: what others wait on too, what is shielded, what has
-- an outcome that is held back; and in a circle what this cancel came from (2.10).
local function is_left_alone(wait, err)
  local on = wait.on
  return wait.how == "shield" or #on.waiters > 1 or has_outcome(on) or was_hit(on, err) and m.reaches(on, wait.owner)
end

-- 5.8: an outcome that is about to be told stands.
local function is_arriving(d)
  return has_outcome(d) and not m.held(d)
end

-- d is made to leave its wait: with the error now, or when what it waits on has ended, which is cancelled.
-- False if there is nothing to cancel.
local function leave(wait, err, tree, has_left)
  if not has_left and is_arriving(wait.on) then return false end
  wait.leaving = err
  if not has_left and not is_left_alone(wait, err) then return hit_one(wait.on, err, tree) end
  if not has_left then m.end_wait(wait) end
  m.told(wait, m.failure(err))
  return true
end

-- 2.6: the same for all that is chained into a Deferred: they come behind the line of waits that this
-- one stands in. The first answer counts.
local function leave_sources(d, err, tree)
  for _, wait in ipairs { table.unpack(d.waits) } do
    if is_left_alone(wait, err) then
      if wait.how == "shield" or not is_arriving(wait.on) then m.end_wait(wait) end
    else
      wait.leaving = err
      table.insert(tree.aside, wait.on)
    end
  end
  if not d.waits[1] then m.fire(d, m.failure(err)) end
end

--- 5.6: the outcome of a body that was cancelled is no success.
function m.sticky(co, outcome)
  return co.cancelled and outcome.ok and m.failure(co.cancelled) or outcome
end

-- 4.2: nor is what a coroutine takes that has no body any more; nor a failure that came before its cancel
-- error was raised. Not so if it has ended cancelled before, and a callback went on from there.
local function ends_cancelled(co, outcome)
  return co.cancelled and not co.struck and (outcome.ok or co.strike)
end

--- 5.2: what a wait that ended with this outcome brings. A coroutine that was made to leave it gets the
--- error it leaves with, whatever the other made of it; but a success with which a canceller has
--- answered comes first: one behind which no failure stands since the cancel.
function m.leaves_with(wait, outcome)
  local co = wait.owner
  if wait.how == "await" and wait.leaving and (not outcome.ok or wait.on.struck) then
    local err = co.strike or wait.leaving
    co.strike = nil
    return m.failure(err)
  end
  if wait.how == "adopt" and m.is_coroutine(co) and ends_cancelled(co, outcome) then
    return m.failure(wait.leaving or co.cancelled)
  end
  outcome.seen = true
  return outcome
end

--- 5.1: marks a pending Deferred and asks its canceller. False if that has fired it, or raised.
function m.ask(d, err)
  d.marked, d.struck = err, false
  free(d)
  m.tell_hook(d) -- 6.2: before the canceller
  if d.phase ~= "pending" then return false end
  local outcome = d.hooks.cancel and m.call_hook(d.hooks.cancel, d)
  local answered = d.phase ~= "pending"
  if outcome and not outcome.ok then
    if answered then m.report(outcome[1]) else m.fire(d, outcome) end
  end
  d.drop_late = not answered -- 2.2
  return d.phase == "pending"
end

-- 5.1: a pending Deferred.
local function hit_deferred(d, err, tree)
  if m.ask(d, err) then leave_sources(d, err, tree) end
end

-- 5.2, 5.8, 5.9: a Coroutine.
local function hit_coroutine(co, err, tree)
  local wait = co.waits[1]
  local has_left = free(co)
  co.marked, co.cancelled, co.struck, co.closed = err, err, false, false
  table.insert(tree, co)
  if co.life == "new" then
    m.forget_ready(co)
    co.life, co.thread = "ended", nil
    m.fire(co, m.failure(err))
  elseif co.yielded then
    m.forget_ready(co)
    co.arrived = m.failure(err)
    m.make_ready(co)
  else
    co.strike = err
    if wait then leave(wait, err, tree, has_left) end
  end
end

-- 5.1: a Deferred that waits on another: that one is cancelled, whatever was before.
local function hit_adopter(d, err, tree)
  local wait = d.waits[1]
  if not wait then return false end -- it is being closed along with what waited on it
  return leave(wait, err, tree, free(d))
end

-- Returns whether there was something to cancel (5.1). The coroutines hit are added to the tree.
function hit_one(d, err, tree)
  if has_outcome(d) then return false end
  if d.phase == "waiting" and not m.is_coroutine(d) then return hit_adopter(d, err, tree) end
  if d.marked then return false end
  local hit = m.is_coroutine(d) and hit_coroutine or hit_deferred
  hit(d, err, tree)
  return true
end

--- Cancels d and what it waits on with one error (5.2). False if there is nothing to cancel.
function m.hit(d, err, deadline)
  m.undecided.circle = m.undecided.circle or m.has_circle
  local tree = { aside = {} }
  local any = hit_one(d, err, tree)
  while tree.aside[1] do
    any = hit_one(table.remove(tree.aside, 1), err, tree) or any
  end
  m.watch(tree, deadline)
  return any
end

--- 2.9
function m.cancel(d, reason, seconds)
  return m.hit(d, m.error_object("CancelledError", reason), m.now + (seconds or m.grace_time))
end

m.Deferred.cancel = m.cancel

--- 3.3: the time of an await is up.
function m.leave_late(wait, err)
  if wait.leaving or is_arriving(wait.on) then return end -- it leaves already, by a cancel, or is about to
  if has_outcome(wait.on) and m.held(wait.owner) then return end -- 6.1: what is kept for it
  wait.leaving = err
  if is_left_alone(wait, err) then
    m.end_wait(wait)
    m.told(wait, m.failure(err))
  else
    m.cancel(wait.on, err)
  end
end

-- -- grace -----------------------------------------------------------------------------------------

--- 5.6: one deadline for all coroutines of a tree.
function m.watch(tree, deadline)
  for _, co in ipairs(tree) do
    co.deadline = deadline
    table.insert(m.dying, co)
  end
end

--- Those that have not ended in the turn of their cancel get a timer.
function m.end_turn()
  for _, co in ipairs(m.dying) do
    if not has_outcome(co) and not co.closed then
      table.insert(co.limits, m.arm(co.deadline, function()
        if not has_outcome(co) then m.force(co) end
      end, "grace"))
    end
  end
  m.dying = {}
end

--- Behind a close there is none until the next cancel.
function m.end_grace(d)
  d.closed = true
  for _, timer in ipairs { table.unpack(d.limits) } do
    if timer.kind == "grace" then m.disarm_limit(d, timer) end
  end
end

return m
