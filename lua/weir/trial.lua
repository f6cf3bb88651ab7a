--- Runs functions as coroutines, one after the other, on a clock and with settings of their own, and sees what comes of
--- them: for tests.
local core = require "weir.core".functions

local LIVE = { running = true, ready = true, waiting = true, paused = true }
local PASSES, SECONDS = 1000, 1 -- that what is ready may take when a function has ended
local MOMENT = 0.1              -- the same when it has not

-- Of the run under way, or the last one: `loop`, which has a time of its own, if it is not on the manual `clock`;
-- `limit`, in seconds of real time, as `time` tells it; `ends`, when it is over. `settings` are those of the trial
-- while it is not running, but for the loop's clock: `clocks` has that of runs on the manual one, and of others.
-- `reports` are the failures that nobody handled, `tracked` the coroutines that were started, each with its number.
-- `body` is the one that runs the function.
local Trial = {}
Trial.__index = Trial

-- ---- settings ----

local SETTINGS = { "clock", "grace", "inline", "debug", "slice", "on_unhandled" }

-- Puts settings in place, and returns those that were there.
local function swap(settings)
  local old = {}
  for _, name in ipairs(SETTINGS) do old[name] = core[name](settings[name]) end
  return old
end

local function settings_now()
  local settings = { clock = core.clock(), grace = core.grace(0), inline = core.inline(true), debug = core.debug() }
  settings.slice = core.slice()
  core.grace(settings.grace)
  core.inline(settings.inline)
  return settings
end

-- The trial's own, until the value returned is closed.
local function enter(self)
  local kind = self.loop and "loop" or "manual"
  self.settings.clock = self.clocks[kind]
  local outer, tracked = swap(self.settings), core.track(self.tracked)
  return setmetatable({}, { __close = function()
    self.settings = swap(outer)
    self.clocks[kind] = self.settings.clock
    core.track(tracked)
  end })
end

-- ---- going on ----

local function is_live(co) return LIVE[co:status()] end

local function time_left(self)
  return math.max(0, self.ends - self.time())
end

-- Calls f(...), and leaves what that wakes to the next step, which has a limit.
local function queueing(f, ...)
  local inline = core.inline(false)
  local result = f(...)
  core.inline(inline)
  return result
end

local function advance(clock, seconds)
  queueing(clock.advance, clock, seconds)
end

-- A pass, as a loop makes it: what is ready, then the timers of this instant. Returns whether there is more to do at
-- once.
local function pass(self, seconds)
  core.step(seconds)
  local deadline = not self.loop and core.deadline(self.clock)
  local due = deadline and deadline <= self.clock:now()
  if due then advance(self.clock, 0) end
  return due or core.is_ready()
end

-- When nothing is ready the clock goes to its next deadline.
local function drive_by_clock(self, co)
  while is_live(co) and time_left(self) > 0 do
    if not pass(self, time_left(self)) and is_live(co) then
      local deadline = core.deadline(self.clock)
      if not deadline then return end
      advance(self.clock, deadline - self.clock:now())
    end
  end
end

-- Lets those that are ready come to an end.
local function settle(self, seconds)
  local ends = self.time() + seconds
  for _ = 1, PASSES do
    if not pass(self, math.max(0, ends - self.time())) or self.time() >= ends then return end
  end
end

-- The limit is on the clock there is now, whatever becomes the loop's clock.
local function drive_by_loop(self, name, f)
  local clock, co = core.clock(), nil
  self.loop(function()
    co = core.coroutine(f, name)()
    self.body = co
    pcall(core.await, clock:timeout(core.shield(co), self.limit))
  end)
  return co
end

local function drive(self, name, f)
  self.ends = self.time() + self.limit
  if self.loop then return drive_by_loop(self, name, f) end
  self.body = queueing(core.coroutine(f, name))
  drive_by_clock(self, self.body)
  return self.body
end

-- ---- the end ----

local function close(co)
  if is_live(co) then queueing(pcall, co.close, co) end
end

-- Cancels coroutines; those that do not end are closed.
local function finish(self, list, reason, seconds)
  for _, co in ipairs(list) do queueing(co.cancel, co, reason) end
  settle(self, seconds)
  for _, co in ipairs(list) do close(co) end
  settle(self, seconds)
end

local function outcome_of(self, co)
  settle(self, SECONDS)
  local ok, err = pcall(co.result, co)
  if ok then return { ok = true } end
  return { ok = false, err = err, traceback = co:traceback() }
end

-- That of one which has not ended says how it stands.
local function outcome_of_live(self, co)
  local outcome = { ok = false, late = tostring(co), traceback = co:traceback() }
  outcome.timed_out = self.loop ~= nil or time_left(self) == 0
  finish(self, { co }, "it takes too long", MOMENT)
  return outcome
end

--- Runs `f()` as a coroutine until it has ended or cannot.
--- @param options `limit` is how much real time it may take; `loop`, if it is not to be the manual clock, runs a
--- function as a coroutine, as `weir.run` does
--- @return a table: `ok`; else `err` and its `traceback`; or, if it has not ended, `late`, which says what it waits
--- for, its `traceback`, and `timed_out` if that is because the time was over
function Trial:run(name, f, options)
  self.limit, self.loop = options.limit, options.loop
  local _ <close> = enter(self)
  local co = drive(self, name, f)
  return (is_live(co) and outcome_of_live or outcome_of)(self, co)
end

--- The coroutines that have been started and not ended, the oldest first.
function Trial:left()
  local list = {}
  for co in pairs(self.tracked) do
    if is_live(co) then list[#list + 1] = co end -- others have ended while another table was in use
  end
  table.sort(list, function(a, b) return self.tracked[a] < self.tracked[b] end)
  return list
end

--- Ends all that has been started: by a cancel, or by force.
function Trial:clear()
  local _ <close> = enter(self)
  finish(self, self:left(), "left behind", SECONDS)
end

--- Takes the failures that nobody has handled.
--- @return list of tables with `err` and `traceback`
function Trial:take_reports()
  local reports = self.reports
  self.reports = {}
  return reports
end

--- @param time function that tells real time
local function new(time)
  local self = setmetatable({ time = time, clock = core.Clock(), tracked = {}, reports = {} }, Trial)
  self.settings = settings_now()
  self.clocks = { manual = self.clock, loop = self.settings.clock }
  self.settings.on_unhandled = function(err, traceback, d)
    if d == nil or not rawequal(d, self.body) then
      self.reports[#self.reports + 1] = { err = err, traceback = traceback }
    end
  end
  return self
end

return { new = new }
