-- The Deferred: fire, callbacks, waits and what is told (sections 2.2 to 2.8, 2.10).
local m = require "spec.model.state"

m.Deferred = {} -- methods of both kinds
m.Deferred.__index = m.Deferred

--- 2.1
function m.new(hooks)
  return setmetatable({
    phase = "pending", -- fired; waiting for what a callback or body returned; settled
    callbacks = {},
    waiters = {}, -- waits of others on it, in the order they began
    limits = {}, -- timers that end with it
    waits = {}, -- its own: one, or one for each that is chained into it
    pauses = 0,
    voided = 0, -- those of them that a cancel has overridden for good (5.9)
    hooks = hooks or {},
  }, m.Deferred)
end

function m.is_deferred(x)
  local meta = getmetatable(x)
  return meta == m.Deferred or meta == m.Coroutine
end

function m.is_coroutine(d)
  return getmetatable(d) == m.Coroutine
end

local function remove(list, x)
  for i, y in ipairs(list) do
    if y == x then return table.remove(list, i) end
  end
end

-- -- waits -----------------------------------------------------------------------------------------

--- How is one of await, adopt, chain, shield. A limit is armed before what is frozen goes on.
function m.begin_wait(owner, on, how, seconds)
  m.has_circle = m.has_circle or m.waits_on(on, owner)
  local wait = { owner = owner, on = on, how = how }
  table.insert(owner.waits, wait)
  table.insert(on.waiters, wait)
  if seconds then m.limit(wait, seconds) end
  m.rehold(on) -- 6.1: and later
  return wait
end

function m.end_wait(wait)
  remove(wait.owner.waits, wait)
  remove(wait.on.waiters, wait)
  if wait.timer then m.disarm_timer(wait.timer) end
  m.rehold(wait.on) -- 6.3: the others that wait may all be held
end

--- Does `from` wait on `to`, directly or not?
function m.waits_on(from, to, seen)
  seen = seen or {}
  if from == to then return true end
  if seen[from] then return false end
  seen[from] = true
  for _, wait in ipairs(from.waits) do
    if m.waits_on(wait.on, to, seen) then return true end
  end
  return false
end

--- 2.10: does `from` wait on `to`, directly or not? Where several are chained into one each of them may
--- fire it: what waits for it does not wait for any of them in particular.
function m.reaches(from, to, seen)
  seen = seen or {}
  if from == to then return true end
  if seen[from] or #from.waits ~= 1 then return false end
  seen[from] = true
  return m.reaches(from.waits[1].on, to, seen)
end

-- -- outcomes ----------------------------------------------------------------------------------------

--- The outcome can be had now (2.5).
function m.is_ready(d)
  return d.phase == "settled" and not m.held(d)
end

--- 2.4: who has something to tell is queued, so that nothing recurses.
function m.queue(d)
  table.insert(m.fires, d)
end

function m.drain()
  while m.fires[1] do
    m.tell(table.remove(m.fires, 1))
  end
end

--- d's outcome from now on. From `source`, if it is that of another.
function m.set_outcome(d, outcome, source)
  outcome = m.after_timeout(d, outcome)
  d.phase, d.outcome = "fired", outcome
  -- A failure since it was cancelled: what follows is no answer to that (5.2).
  d.struck = d.struck or d.overridden and (not outcome.ok or source and source.struck)
end

--- Gives a pending d its outcome (2.2). The first wins: it waits on nothing any more (2.6).
function m.fire(d, outcome, source)
  m.set_outcome(d, outcome, source)
  while d.waits[1] do
    m.end_wait(d.waits[1])
  end
  m.disarm(d)
  m.queue(d)
end

--- What d returned has come, as its next outcome (2.3, 3.1).
function m.settle_adopter(d, outcome, source)
  m.set_outcome(d, outcome, source)
  m.queue(d)
end

--- 2.3, 2.10: d takes the outcome of x.
function m.adopt(d, x)
  if m.reaches(x, d) then
    m.settle_adopter(d, m.failure(m.error_object("DeadlockError")))
  elseif m.is_ready(x) then
    local outcome = m.leaves_with({ how = "adopt", owner = d, on = x }, x.outcome)
    m.settle_adopter(d, m.copy(outcome), x)
  else
    d.phase, d.outcome = "waiting", nil
    m.begin_wait(d, x, "adopt")
  end
end

-- 2.3: calls one link of the chain, which leaves the next outcome.
local function call(d, link)
  local f = d.outcome.ok and link.ok or not d.outcome.ok and link.err
  if not f then return end
  d.outcome.seen = true
  local before = d.outcome
  local results = m.outside(f, table.unpack(before, 1, before.n))
  if results.ok and results.n == 1 and m.is_deferred(results[1]) then
    if m.is_coroutine(d) then d.marked, d.cancelled, d.strike = nil, nil, nil end -- an earlier cancel is past
    m.adopt(d, results[1])
  else
    m.set_outcome(d, results)
  end
end

-- 2.3: in the order added, while nothing holds it and no returned Deferred is waited for.
local function run_callbacks(d)
  d.busy = true
  while d.callbacks[1] and d.phase == "fired" and not m.held(d) do
    call(d, table.remove(d.callbacks, 1))
  end
  d.busy = false
end

-- 2.5: all that wait, in order, each the same outcome.
local function tell_waiters(d)
  local outcome = d.outcome
  d.telling = true -- nothing holds it meanwhile: some have been told
  while d.waiters[1] do
    local wait = d.waiters[1]
    m.end_wait(wait)
    m.told(wait, outcome)
  end
  d.telling = false
  m.rehold(d)
end

--- What there is to tell: the callbacks first, then the waiters (2.5).
function m.tell(d)
  if d.busy or d.phase == "pending" or d.phase == "waiting" then return end
  run_callbacks(d)
  if d.phase == "waiting" or m.held(d) then return end
  d.phase = "settled"
  if d.overridden then d.overridden, d.voided = false, d.pauses end -- 5.9
  m.disarm_limits(d)
  d.closed = true -- 5.6: what callbacks that are added later wait for has no grace time
  tell_waiters(d)
  m.note_failure(d)
end

--- A wait has ended with this outcome.
function m.told(wait, outcome)
  local owner = wait.owner
  outcome = m.leaves_with(wait, outcome)
  if wait.how == "await" then
    m.arrive(owner, outcome)
    owner.owes = outcome == wait.on.outcome and not outcome.ok and outcome or nil
  elseif wait.how == "adopt" then
    m.settle_adopter(owner, m.copy(outcome), wait.on)
  elseif owner.phase == "pending" then -- 2.6: the first wins
    m.fire(owner, m.copy(outcome), wait.on)
  end
end

-- -- methods -----------------------------------------------------------------------------------------

-- 2.2
local function fire(d, outcome)
  if m.is_coroutine(d) then m.wrong("fire a Coroutine") end
  if d.phase ~= "pending" then
    if not d.drop_late then error(m.error_object("AlreadyCalledError"), 0) end
    d.drop_late = false
    return d
  end
  d.drop_late = false
  m.fire(d, outcome)
  m.finish_call()
  return d
end

function m.Deferred:callback(...)
  return fire(self, m.success(...))
end

function m.Deferred:errback(err)
  return fire(self, m.failure(err))
end

-- 2.3
local function add(d, link)
  table.insert(d.callbacks, link)
  if d.phase == "settled" then d.phase = "fired" end
  m.queue(d)
  return d
end

function m.Deferred:add_callback(f)
  return add(self, { ok = f })
end

function m.Deferred:add_errback(g)
  return add(self, { err = g })
end

function m.Deferred:add_callbacks(f, g)
  return add(self, { ok = f, err = g })
end

function m.Deferred:add_both(f)
  return add(self, {
    ok = function(...) return f(true, ...) end,
    err = function(err) return f(false, err) end,
  })
end

--- 2.6
function m.Deferred:chain(other)
  if other.phase ~= "pending" or m.is_coroutine(other) or other == self then m.wrong("chain") end
  if m.is_ready(self) then
    self.outcome.seen = true
    m.fire(other, m.copy(self.outcome), self)
  else
    m.begin_wait(other, self, "chain")
  end
  return self
end

--- 5.3
function m.shield(d)
  local shield = m.new()
  if m.is_ready(d) then
    d.outcome.seen = true
    m.fire(shield, m.copy(d.outcome), d)
  else
    m.begin_wait(shield, d, "shield")
  end
  return shield
end

--- 2.8
function m.Deferred:status()
  if not m.is_ready(self) then return "pending" end
  if self.outcome.ok then return "success" end
  return m.is_cancelled(self.outcome[1]) and "cancelled" or "failure"
end

--- 2.8
function m.Deferred:result()
  if not m.is_ready(self) then m.wrong("get the result of a pending Deferred") end
  self.outcome.seen = true
  return m.unpack(self.outcome)
end

--- 2.11: there is nobody to tell.
function m.succeed(...)
  local d = m.new()
  d.phase, d.outcome = "settled", m.success(...)
  return d
end

function m.fail(err)
  local d = m.new()
  d.phase, d.outcome = "settled", m.failure(err)
  m.note_failure(d)
  return d
end

--- Calls a callback or hook: it is no coroutine, and may not wait (2.3, 3.9).
function m.outside(f, ...)
  local current, fires = m.current, m.fires
  m.current, m.fires, m.depth = nil, {}, m.depth + 1
  local outcome = m.outcome_of(pcall(f, ...))
  m.current, m.fires, m.depth = current, fires, m.depth - 1
  return outcome
end

return m
