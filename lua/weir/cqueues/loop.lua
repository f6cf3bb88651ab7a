--- weir in the loop of a cqueues controller.
-- A call of weir in a plain coroutine of a controller comes from the host: it runs what it wakes. What is left for the
-- loop, timers, coroutines that yielded and what was polled, is done by a coroutine of the controller, the heart. It
-- beats while there is something to do or to wait for, and ends when there is not, so that it keeps no loop going; it
-- is started again when there is something.
local check = require "weir.check"
local condition = require "cqueues.condition"
local core = require "weir.core".functions
local cqueues = require "cqueues"
local pollers = require "weir.cqueues.pollers"

local loop = {}

local home -- the controller that weir is in; it may have been closed
local running = false -- a loop.run is under way

-- `controller`: where it is; `wake` ends its sleep, while `is_asleep`; `is_over`: it is to end; `idles`: it sleeps for
-- what keeps no loop.run going, the grace time of a cancel; `mail`: for cqueues, the file that tells of other threads.
local heart

local function has_home()
  return cqueues.type(home) == "controller"
end

-- One of its own, if there is no other.
local function get_home()
  if not has_home() then home = cqueues.new() end
  return home
end

-- ---- the heart ----

local start

-- It has died if its sleep cannot be ended: cqueues drops a coroutine when it comes by somebody's file that it cannot
-- poll any more. A controller that was closed, perhaps with the Lua state, is nobody's to replace.
local function on_work()
  if not has_home() then
    heart = nil
  elseif not heart then
    start()
  elseif heart.is_asleep then
    heart.is_asleep = false
    if heart.wake:signal() == 0 then start() end
  end
end

local function mail_of(self)
  local file = core.mail_file()
  if not file then return nil end
  if not (self.mail and self.mail.pollfd == file) then self.mail = { pollfd = file, events = "r" } end
  return self.mail
end

-- Returns whether there was anything to wait for.
local function rest(self)
  pollers.step()
  if pollers.has_news() then return true end
  local polled, mail = pollers.object(), mail_of(self)
  local left, keeps = core.first_timer()
  self.idles = not (keeps or polled or mail)
  core.on_work(on_work)
  if self.idles and not left then return false end
  self.is_asleep = true
  cqueues.poll(self.wake, left, polled, mail)
  self.is_asleep, self.idles = false, false
  return true
end

-- One pass, then others have their turn. Returns whether there is to be another.
local function beat(self)
  pollers.step()
  pollers.tell()
  local left = core.step()
  if self.is_over then return false end
  if left ~= 0 then return rest(self) end
  cqueues.poll()
  return true
end

local function stop(self)
  self.is_over = true
  self.wake:signal()
  if heart == self then heart = nil end
end

local function live(self)
  local ok, again
  self.thread = coroutine.running()
  repeat ok, again = pcall(beat, self) until not (ok and again) or self.is_over
  if heart == self then heart = nil end
  if ok then return end
  core.on_work(on_work)
  error(again, 0)
end

function start()
  heart = { controller = get_home(), wake = condition.new() }
  heart.controller:wrap(live, heart)
end

pollers.watch(on_work)

-- ---- where it is ----

-- Sees to it that weir is looked after in its controller; returns that.
local function join()
  local controller = get_home()
  if heart and heart.controller ~= controller then stop(heart) end
  if not heart then start() end
  return controller
end

--- Puts weir into a controller, or into one of its own.
--- @return that controller
function loop.attach(controller)
  if controller ~= nil then
    check.that(cqueues.type(controller) == "controller", 1, "attach", "controller expected")
    if running and controller ~= home then error("attempt to change the controller that runs", 2) end
    home = controller
  end
  return join()
end

--- Takes weir out of its controller.
function loop.detach()
  if heart then stop(heart) end
  core.on_work(nil)
  home = nil
end

-- ---- running ----

local function never() return false end

local function is_done(controller)
  return controller:empty() or heart ~= nil and heart.idles and controller:count() == 1
end

local function step(controller)
  local ok, err, _, thread = controller:step()
  if ok then return end
  if heart and heart.thread == thread then heart = nil end
  error(err, 0)
end

-- Until `ended` says so, or there is nothing left. Inside of another controller that may still bring something, if
-- somebody waits for it.
local function drive(ended)
  local controller = join()
  local is_outermost = ended == never or not cqueues.running()
  while not ended() and not (is_outermost and is_done(controller)) do step(controller) end
end

local function drive_safely(ended)
  running = true
  local ok, err = pcall(drive, ended)
  running = false
  if not ok then error(err, 0) end
end

-- Behind what is ready, as weir.run does it.
local function start_late(co)
  local inline = core.inline(false)
  core.start(co)
  core.inline(inline)
end

local function finish(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

local function run_until_end(co)
  local has_ended, is_gone = false, false
  local function on_end(_, part)
    has_ended = true
    if is_gone then return end
    core.handled(part)
    if has_home() then home:alert() end -- it may be asleep inside of another
  end
  core.follow(core.join "run", co, on_end, nil, true)
  start_late(co)
  local ok, err = pcall(drive_safely, function() return has_ended end)
  is_gone = true
  if not ok then error(err, 0) end
  if has_ended then return finish(core.outcome(co)) end
  core.deadlock(co)
end

--- Runs the controller, as weir.run runs weir's own loop, until the coroutine of f(...) has ended, or without `f` until
--- neither weir nor the controller has anything left.
function loop.run(...)
  local n = select("#", ...)
  if n > 0 then check.callable((...), 1, "run") end
  core.check_host "run"
  if running or cqueues.running() == get_home() then
    error("attempt to run inside a coroutine of the controller", 2)
  end
  if n > 0 then return run_until_end(core.prepare(...)) end
  drive_safely(never)
end

return loop
