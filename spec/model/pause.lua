-- What is held, and what happens when that changes (section 6).
local m = require "spec.model.state"

--- 6.1, 6.3: paused itself, or all that wait on it are held. What a cancel has freed is not held
--- (5.9), nor what is in the midst of telling its waiters. In a circle nobody holds himself.
function m.held(d, above)
  if d.overridden or d.telling then return false end
  if d.pauses > d.voided then return true end
  above = above or {}
  if #d.waiters == 0 or above[d] then return false end
  above[d] = true
  local all = true
  for _, wait in ipairs(d.waiters) do
    all = all and wait.how ~= "shield" and m.held(wait.owner, above)
  end
  above[d] = nil
  return all
end

-- Are all that hold d known to be held?
local function knows_all_holders(d)
  if d.pauses > d.voided then return true end
  for _, wait in ipairs(d.waiters) do
    if not wait.owner.was_held then return false end
  end
  return true
end

-- All whose hold is not what it was: along the waits, the one that waits before what it waits on. What
-- several hold comes behind the last of these, what several let go behind the first.
local function changed(d, list, seen)
  if seen[d] then return list end
  local held = m.held(d)
  if held and not knows_all_holders(d) then return list end
  seen[d] = true
  if held ~= (d.was_held or false) then
    d.was_held = held
    table.insert(list, d)
  end
  for _, wait in ipairs(d.waits) do
    if wait.how ~= "shield" then changed(wait.on, list, seen) end
  end
  return list
end

-- 6.2: its timer stands still.
local function now_held(d)
  if d.timer then m.freeze(d.timer) end
  if m.is_coroutine(d) then m.park(d) end
end

-- 6.1: what was kept is delivered.
local function now_free(d)
  if d.timer then m.thaw(d.timer) end
  if m.is_coroutine(d) then m.unpark(d) end
  if d.phase == "settled" and d.waiters[1] then d.phase = "fired" end -- there is somebody to tell again
  if d.phase == "fired" then m.queue(d) end
end

--- Brings holds up to date from d downwards. All are in place before the first hook runs (6.2).
function m.rehold(d)
  for _, x in ipairs(changed(d, {}, {})) do
    local now = x.was_held and now_held or now_free
    now(x)
    if x.phase == "pending" then table.insert(m.hooks, x) end
  end
end

-- 6.2: the hook that tells d what has become of it since the last one. Returns its outcome, if it ran.
local function run_hook(d)
  if (d.told_held or false) == (d.was_held or false) then return end -- there and back
  d.told_held = d.was_held
  local hook = d.was_held and d.hooks.pause or not d.was_held and d.hooks.unpause
  return d.phase == "pending" and hook and m.call_hook(hook, d)
end

--- The same ahead of those of others in the same walk.
function m.tell_hook(d)
  local outcome = run_hook(d)
  if outcome and not outcome.ok then m.report(outcome[1]) end
end

--- Runs the hooks that became due. Returns the first error, as a failure.
function m.run_hooks()
  local first
  while m.hooks[1] do
    local outcome = run_hook(table.remove(m.hooks, 1))
    if outcome and not outcome.ok then
      if first then m.report(outcome[1]) end
      first = first or outcome
    end
  end
  return first
end

--- The same where there is nobody to raise an error to.
function m.settle_hooks()
  local failure = m.run_hooks()
  if failure then m.report(failure[1]) end
end

--- What a hook causes runs its own hooks.
function m.call_hook(f, d)
  local hooks = m.hooks
  m.hooks = {}
  local outcome = m.outside(f, d)
  m.hooks = hooks
  return outcome
end

local function count(d, by)
  d.pauses = d.pauses + by
  d.voided = math.min(d.voided, d.pauses)
  m.rehold(d)
  local failure = m.run_hooks()
  m.finish_call()
  if failure then error(failure[1], 0) end -- 6.2: behind the walk
  return d
end

--- 6.1
function m.Deferred:pause()
  return count(self, 1)
end

function m.Deferred:unpause()
  if self.pauses == 0 then m.wrong("unpause") end
  return count(self, -1)
end

return m
