-- The Coroutine: start, waits, end, noreturn (sections 3 and 4). A body runs on a plain Lua coroutine.
local m = require "spec.model.state"

m.Coroutine = setmetatable({}, { __index = m.Deferred })
m.Coroutine.__index = m.Coroutine

--- 3.8: nothing can reach it but its own variables: the collector has found it.
function m.Coroutine:__gc()
  if self.world == m.world and self.life ~= "ended" then table.insert(m.lost, self) end
end

-- 5.5: under pcall, so that the <close> variables of a failing body are closed inside, and may wait.
local function thread_for(f, ...)
  local arguments = table.pack(...)
  return coroutine.create(function()
    return "ended", m.outcome_of(pcall(f, table.unpack(arguments, 1, arguments.n)))
  end)
end

-- -- running ---------------------------------------------------------------------------------------

--- Runs co up to its next wait or its end. A hop leads on to the new body (4.1).
function m.resume(co)
  local outer = m.current
  if outer then outer.life = "calling" end
  m.current, co.life = co, "running"
  repeat
    local _, what, outcome = coroutine.resume(co.thread)
    if what == "ended" then
      m.finish(co, outcome)
    elseif what == "hop" then
      m.hop(co, co.hop_to)
    end
  until co.life ~= "running"
  if co.force then m.close(co) end -- 5.7: also if it has returned what it waits for
  m.drain()
  m.settle_hooks()
  m.current = outer
  if outer then outer.life = "running" end
end

--- 3.2: from the host and in a coroutine at once, else in turn. 3.5: not in the host without inline.
function m.start(co)
  if m.in_host() and m.inline or m.may_suspend() then
    m.resume(co)
  else
    m.make_ready(co)
  end
end

function m.spawn(f, ...)
  local co = m.new()
  setmetatable(co, m.Coroutine)
  m.born = m.born + 1
  co.world = m.world
  co.born, co.life, co.thread = m.born, "new", thread_for(m.body_of(f), ...)
  m.start(co)
  return co
end

local Decorated = {
  __call = function(self, ...) return m.spawn(self, ...) end,
}

--- 3.1
function m.coroutine(f)
  return setmetatable({ body = m.body_of(f) }, Decorated)
end

function m.body_of(f)
  return getmetatable(f) == Decorated and f.body or f
end

--- Its body has ended: what it returned or raised is the outcome, or is adopted (3.1), unless a cancel is
--- due: that is a wait too (5.8).
function m.finish(co, outcome)
  co.life, co.thread = "ended", nil
  if outcome.ok and outcome.n == 1 and m.is_deferred(outcome[1]) and not co.strike then
    m.take_over(co, outcome[1])
  else
    m.fire(co, m.sticky(co, outcome))
  end
end

--- 3.1, 4.2: a coroutine without a body takes the outcome of d.
function m.take_over(co, d)
  co.life, co.thread = "ended", nil
  m.adopt(co, d)
end

-- -- waits -----------------------------------------------------------------------------------------

--- 3.6: the running Coroutine, if it may be suspended here.
function m.may_suspend()
  local co = m.current
  return co and not co.closing and coroutine.isyieldable() and coroutine.running() == co.thread and co
end

function m.waiter(what)
  return m.may_suspend() or m.wrong(what .. " where nothing can suspend")
end

--- 5.8, 5.9: a pending cancel strikes at a wait that would suspend, once.
function m.strike(co)
  local err = co.strike
  co.strike = nil
  if err then error(err, 0) end
end

-- Until resumed: what has arrived.
local function suspend(co, what)
  coroutine.yield(what)
  local outcome = co.arrived
  co.arrived, co.yielded, co.waits_pass = nil, false, false
  return m.unpack(outcome)
end

--- 3.3
function m.await(d, seconds)
  local co = m.waiter("await")
  if m.is_ready(d) then
    d.outcome.seen = true
    return m.unpack(d.outcome)
  end
  m.strike(co)
  if d == co then error(m.error_object("DeadlockError"), 0) end -- 3.7
  co.life = "waiting"
  m.begin_wait(co, d, "await", seconds)
  return suspend(co, "wait")
end

--- 3.4
function m.yield()
  m.waiter("yield")
  return m.give_way(true)
end

--- To the back of the queue, for the next pass or for this one.
function m.give_way(next_pass)
  local co = m.current
  m.strike(co)
  co.yielded, co.waits_pass, co.arrived = true, next_pass, m.success()
  m.make_ready(co)
  return suspend(co, "wait")
end

--- What co waited for is there: it goes to the back of the queue (3.5) with it.
function m.arrive(co, outcome)
  co.arrived = outcome
  m.make_ready(co)
end

-- -- noreturn --------------------------------------------------------------------------------------

--- 4.1
function m.noreturn(f, ...)
  local co = m.waiter("noreturn")
  if f == co then error(m.error_object("DeadlockError"), 0) end
  if (co.handlers or 0) > 0 then m.wrong("noreturn in a handler") end -- 4.5
  m.strike(co) -- 4.6
  co.hop_to = table.pack(f, ...)
  coroutine.yield("hop")
end

--- 4.1: the old body's variables are closed, its stack goes, the new one begins.
function m.hop(co, to)
  local f = to[1]
  co.hop_to = nil
  local failure = m.close_thread(co)
  if failure then
    m.finish(co, failure) -- 4.4
  elseif co.strike then
    m.finish(co, m.failure(co.strike)) -- 5.9: cancelled by a handler, before its first instruction
  elseif m.is_deferred(f) then
    m.take_over(co, f)
  else
    co.thread = thread_for(m.body_of(f), table.unpack(to, 2, to.n))
    if m.held(co) then
      co.life = "new"
      m.make_ready(co) -- 4.6
    end
  end
end

--- Closes the variables of co's body; nothing can wait there (3.6). The error of a handler, as a failure.
function m.close_thread(co)
  local outer, life, fires, hooks = m.current, co.life, m.fires, m.hooks
  m.current, co.closing, co.life, m.fires, m.hooks = co, true, "running", {}, {}
  local ok, err = coroutine.close(co.thread)
  m.current, co.closing, co.life, m.fires, m.hooks = outer, false, life, fires, hooks
  return not ok and m.failure(err) or nil
end

-- -- what can be seen ------------------------------------------------------------------------------

--- 2.8
function m.Coroutine:status()
  if self.phase == "pending" and (self.life == "running" or self.life == "calling") then return "running" end
  if self.phase ~= "pending" and self.phase ~= "waiting" then return m.Deferred.status(self) end
  if m.held(self) then return "paused" end
  return (self.life == "new" or self.life == "ready") and "ready" or "waiting"
end

--- 3.9
function m.current_coroutine()
  return m.current
end

return m
