--- Random schedules: a few coroutines and the host wait in lines, leave them, hold and free each other on a manual
-- clock. The same seed gives the same schedule everywhere. What is waited for is a kind, see schedules_spec.lua.
local weir = require "weir"

local schedule = {}

local World = {}
World.__index = World

-- splitmix64: random(n) is an integer from 1 to n.
local function generator(seed)
  local state = seed
  return function(n)
    state = state + 0x9E3779B97F4A7C15
    local z = (state ~ state >> 30) * 0xBF58476D1CE4E5B9
    z = (z ~ z >> 27) * 0x94D049BB133111EB
    return ((z ~ z >> 31) >> 33) % n + 1
  end
end

local EXPECTED = { CancelledError = true, TimeoutError = true, ClosedError = true }

local function is_expected(err) return type(err) == "table" and EXPECTED[err.name] or false end

--- What broke a promise; the first one is kept, since code below may catch errors.
function World:violate(format, ...)
  self.violation = self.violation or format:format(...)
  self:note("VIOLATION " .. format, ...)
end

function World:note(format, ...)
  if self.log then self.log[#self.log + 1] = ("%5g  " .. format):format(self.clock:now(), ...) end
end

function World:chance(percent) return self.random(100) <= percent end

function World:pick(list) return list[self.random(math.max(#list, 1))] end

-- ---- Waits ----
-- A wait is one place in a line: of an actor, or of the host if there is none. `waiting` until its Deferred has an
-- outcome, `left` once its actor does not wait for it any more, `doomed` once it has been cancelled.

local function is_held(wait)
  local actor = wait.actor
  return wait.pauses > 0 or (actor and actor.pauses > 0 and not actor.cancelled) or false
end

-- Not one that is held, nor one whose actor has gone and left its Deferred behind.
function schedule.is_free(wait) return wait.begun and not wait.left and not is_held(wait) end

--- One who waits in the line and is free, the first one.
function World:free_one(line)
  for _, wait in ipairs(self.lines[line]) do
    if schedule.is_free(wait) then return wait end
  end
end

local function remove(list, x)
  for i = 1, #list do
    if list[i] == x then return table.remove(list, i) end
  end
end

-- In a fair line nobody who is free and came earlier is left behind. One that is served before make() has returned is
-- told of late: then it is held against it only who was free before that and has been all the time.
function World:check_turn(wait)
  if not wait.begun then
    local rival = wait.rival
    if rival and rival.waiting and not (rival.left or rival.was_held) then self:overtakes(wait, rival) end
    return
  end
  if is_held(wait) then self:violate("%s is served though it is held", wait.name) end
  for _, other in ipairs(self.lines[wait.line]) do
    if other.id < wait.id and schedule.is_free(other) then self:overtakes(wait, other) end
  end
end

function World:overtakes(wait, other) self:violate("%s is served before %s", wait.name, other.name) end

-- Its actor has gone and its Deferred is pending: a cancel that was due struck the wait before it began.
function World:give_up(wait)
  remove(self.lines[wait.line], wait)
  self.kind.failed(self, wait)
end

function World:settle(wait, ok, ...)
  remove(self.lines[wait.line], wait)
  wait.waiting = false
  self:note("%s: %s", wait.name, ok and "served" or tostring((...)))
  if not ok then
    self.kind.failed(self, wait)
    return weir.fail((...)) -- an error raised here would cost a traceback
  end
  wait.served = true
  self.latest = wait
  if (wait.left or wait.doomed) and not self:is_decided(wait) then
    self:violate("%s is served behind its cancel", wait.name)
  end
  if self.kind.fair then self:check_turn(wait) end
  self.kind.served(self, wait, ...)
  return ...
end

--- Begins a wait; make() gives its Deferred.
function World:begin(line, actor, make, wait)
  wait = wait or {}
  self.last_id = self.last_id + 1
  wait.id, wait.line, wait.actor, wait.pauses, wait.waiting = self.last_id, line, actor, 0, true
  wait.was_held = actor and actor.pauses > 0
  wait.name = ("%s %d of %s"):format(line, wait.id, actor and "actor " .. actor.id or "the host")
  wait.rival = self:free_one(line)
  self:note("%s begins", wait.name)
  table.insert(self.lines[line], wait)
  wait.d = make(wait)
  wait.d:add_both(function(...) return self:settle(wait, ...) end)
  wait.begun = true
  return wait
end

function World:await_somehow(d)
  local way, limit = self.random(4), self.random(4) - 1
  if way == 1 then return weir.await(d, limit) end
  if way == 2 then return weir.await(d:timeout(limit)) end
  return weir.await(d)
end

--- The actor waits; what was served is delivered whatever happens.
function World:await(wait)
  local actor = wait.actor
  actor.wait = wait
  local ok, v = pcall(self.await_somehow, self, wait.d)
  actor.wait, wait.delivered = nil, true
  if ok then return v end
  wait.left = true
  if wait.waiting and not self:is_decided(wait) then self:give_up(wait) end
  if wait.served and not self:is_decided(wait) then self:violate("what %s got is lost: %s", wait.name, tostring(v)) end
  error(v, 0)
end

-- ---- Actors ----

--- The schedule has not ended before this one has.
function World:count_while_alive(co)
  self.alive = self.alive + 1
  return co:add_both(function(ok, ...)
    self.alive = self.alive - 1
    if ok then return ... end
    return weir.fail((...))
  end)
end

--- f(self, actor) in a coroutine of its own.
function World:spawn(actor, f) return self:count_while_alive(weir.spawn(f, self, actor)) end

function World:act(actor)
  local what = self.random(20)
  if what <= 10 then self.kind.act(self, actor)
  elseif what <= 13 then weir.await(self:spawn(actor, self.kind.act))
  elseif what <= 15 then weir.sleep(self.random(3) - 1)
  elseif what <= 16 then weir.yield()
  else self:meddle()
  end
end

-- A stubborn one goes on behind errors, and so behind a cancel too.
function World:live(actor)
  actor.co = weir.current()
  local stubborn = self:chance(30)
  for _ = 1, 1 + self.random(3) do
    local ok, err = pcall(self.act, self, actor)
    if not ok and not is_expected(err) then self:violate("unexpected: %s", tostring(err)) end
    if not ok and not stubborn then return end
  end
end

--- Does something for a while, as one who has what it waited for.
function World:linger()
  if self:chance(20) then self:meddle() end
  if self:chance(30) then weir.yield() end
  if self:chance(40) then weir.sleep(self.random(3) - 1) end
end

function World:cancel(actor)
  if actor.cancelled then return end
  actor.cancelled = true
  self:note("actor %d is cancelled", actor.id)
  if actor.wait and actor.wait.waiting then self:doom(actor.wait) end
  actor.co:cancel()
end

function World:pause(actor)
  actor.pauses = actor.pauses + 1
  self:note("actor %d is paused", actor.id)
  if actor.wait then actor.wait.was_held = true end
  actor.co:pause()
end

function World:unpause(actor)
  if actor.pauses == 0 then return end
  actor.pauses = actor.pauses - 1
  self:note("actor %d is unpaused", actor.id)
  actor.co:unpause()
end

-- By force: what has been served and not delivered would be lost, and may be.
function World:close(actor)
  local wait = actor.wait
  if not actor.co or actor.ended or actor.never_closed or wait and wait.served then return end
  actor.cancelled = true
  self:note("actor %d is closed", actor.id)
  if wait then self:doom(wait) end
  actor.co:close()
end

-- What it gets is decided, though perhaps not told yet.
function World:is_decided(wait)
  return self.kind.is_decided ~= nil and self.kind.is_decided(wait)
end

function World:doom(wait) wait.doomed = not self:is_decided(wait) end

-- ---- Waits of the host ----

function World:cancel_raw(wait)
  self:note("%s is cancelled", wait.name)
  if wait.waiting then self:doom(wait) end
  wait.d:cancel()
end

function World:pause_raw(wait)
  wait.pauses, wait.was_held = wait.pauses + 1, true
  self:note("%s is paused", wait.name)
  wait.d:pause()
end

function World:unpause_raw(wait)
  if wait.pauses == 0 then return end
  wait.pauses = wait.pauses - 1
  self:note("%s is unpaused", wait.name)
  wait.d:unpause()
end

function World:begin_raw(line, make, wait)
  wait = self:begin(line, nil, make, wait)
  table.insert(self.raw, wait)
  if self:chance(20) then wait.d:timeout(self.random(4) - 1) end
end

-- ---- The course of things ----

local MEDDLING = { "cancel", "pause", "pause", "unpause", "unpause" }

-- Anybody, but rather one who has just been served and has not run yet.
function World:victim()
  local latest = self.latest
  if latest and latest.actor and not latest.delivered and self:chance(60) then return latest.actor end
  return self:pick(self.actors)
end

--- Somebody is cancelled, held or freed.
function World:meddle()
  if self.calm then return end
  local how = self:pick(MEDDLING)
  local wait, actor = self:pick(self.raw), self:victim()
  if wait and wait.begun and self:chance(30) then
    self[how .. "_raw"](self, wait)
  elseif actor and actor.co then
    self[how](self, actor)
  end
end

function World:add_actor()
  local actor = { id = #self.actors + 1, pauses = 0 }
  table.insert(self.actors, actor)
  self:spawn(actor, self.live):add_both(function() actor.ended = true end)
end

function World:set_inline(on)
  if weir.inline(on) ~= on then self:note(on and "inline" or "queueing") end
  if on then weir.step() end
end

local MOVES = {
  function(self) self.clock:advance(self.random(3) - 1) end,
  function(self) self.clock:advance(1) end,
  function() weir.step() end,
  World.meddle,
  World.meddle,
  function(self) self.kind.host(self) end,
  function(self) self.kind.host(self) end,
  function(self) self:set_inline(self:chance(60)) end,
  function(self) if self:chance(40) then self:close(self:pick(self.actors)) end end,
}

function World:move()
  self:pick(MOVES)(self)
  self.kind.check(self)
end

function World:is_busy()
  if self.alive > 0 then return true end
  for _, list in pairs(self.lines) do
    if #list > 0 then return true end
  end
end

--- Frees everybody and lets time pass.
function World:calm_down(ticks)
  for _, actor in ipairs(self.actors) do
    while actor.pauses > 0 do self:unpause(actor) end
  end
  for _, wait in ipairs(self.raw) do
    while wait.pauses > 0 do self:unpause_raw(wait) end
  end
  for _ = 1, ticks do
    if not self:is_busy() then return end
    self.clock:advance(1)
    weir.step()
    self.kind.check(self)
  end
end

function World:check_ended()
  if self.alive > 0 then self:violate("%d coroutines have not ended", self.alive) end
  for name, list in pairs(self.lines) do
    if #list > 0 then self:violate("%d %ss have not ended", #list, name) end
  end
end

function World:play()
  for _ = 1, 2 + self.random(6) do
    self:add_actor()
    if self:chance(50) then self:move() end
  end
  for _ = 1, 4 + self.random(16) do
    if self.violation then return end
    self:move()
  end
  self.calm = true
  self:set_inline(true)
  self:calm_down(3)
  self.kind.relieve(self)
  self:calm_down(100)
  self:check_ended()
  self.kind.finish(self)
end

local function handler(world)
  return function(err)
    if not is_expected(err) then world:violate("unhandled: %s", tostring(err)) end
  end
end

local function new_world(kind, seed, log)
  local clock = weir.Clock()
  local world = setmetatable({ kind = kind, random = generator(seed), clock = clock, log = log, alive = 0,
    last_id = 0, actors = {}, raw = {}, lines = {} }, World)
  for _, name in ipairs(kind.lines) do world.lines[name] = {} end
  weir.clock(clock)
  weir.on_unhandled(handler(world))
  kind.new(world)
  return world
end

--- Plays one schedule; returns what it violated, or nil.
function schedule.play(kind, seed, log)
  local world = new_world(kind, seed, log)
  local ok, err = pcall(world.play, world)
  weir.inline(true)
  if not ok then world:violate("%s", tostring(err)) end
  return world.violation
end

local function report(kind, seed, violation)
  local log = {}
  schedule.play(kind, seed, log)
  local from = math.max(1, #log - 60)
  error(("%s\nWEIR_SCHEDULE='%s %d' plays it alone; it ends with\n%s"):format(violation, kind.name, seed,
    table.concat(log, "\n", from)), 0)
end

--- Plays the schedules of these seeds; raises at the first that violates something.
function schedule.play_all(kind, first, last)
  for seed = first, last do
    local violation = schedule.play(kind, seed)
    if violation then report(kind, seed, violation) end
  end
end

return schedule
