--- weir in the loop of libuv.
-- A call of weir in one of luv's callbacks comes from the host: it runs what it wakes. What is left for the loop,
-- timers and coroutines that yielded, is looked after in each round: by `prepare` before libuv goes to sleep, and by
-- `check` behind that, if libuv would not come back for anything else. These two keep no loop alive. While something
-- is ready `idle` keeps libuv from sleeping, and `alarm` wakes it for the first timer. `mail` does when another thread
-- has fired what it has a handle for, and is there while there are such handles. `sigpipe` is there lest a write to a
-- connection that is gone end the process.
local check = require "weir.check"
local core = require "weir.core".functions
local uv = require "weir.luv.uv"

local LONGEST = 1e9 -- seconds that libuv is asked to sleep

local loop = {}

-- In the registry, lest it is collected before the state is closed: `guard`, see below; `is_over`: the state is being
-- closed.
local registry = debug.getregistry()
registry["weir.luv"] = registry["weir.luv"] or { is_over = false }
local shared = registry["weir.luv"]

local handles -- while weir is in the loop
local alarm_at -- in libuv's milliseconds, while it is set; the timer it was set for may be gone
local run -- the luv.run under way, inside of uv.run: gets what is to be raised

-- libuv cannot be left by an error; luv ends the process.
function loop.escape(err)
  if run then
    run.failed, run.err = true, err
  else
    core.fail(err)
  end
  uv.stop()
end

--- @return function that does the same, for luv to call: no error comes out of it
function loop.enter(f)
  return function(...)
    if shared.is_over then return end
    local ok, err = pcall(f, ...)
    if not ok then loop.escape(err) end
  end
end

local function ignore() end

local function spin(on)
  if on == handles.spins then return end
  handles.spins = on
  if on then
    handles.idle:start(ignore)
  else
    handles.idle:stop()
  end
end

-- What is to be called later in the round: those from `first` to `last`. `checks`: the round comes to `check` yet.
local calls, first, last = {}, 1, 0
local checks = false

local function keep(f, ...)
  local call = table.pack(...)
  call.f = f
  calls[last + 1] = call
  last = last + 1
  if not checks then spin(true) end
end

-- A round within one of them goes on with the others.
local function call_kept()
  while first <= last and not shared.is_over do
    local call = calls[first]
    calls[first] = nil
    first = first + 1
    local ok, err = pcall(call.f, table.unpack(call, 1, call.n))
    if not ok then loop.escape(err) end
  end
  first, last = 1, 0
end

--- Calls f(...), in a callback of luv's when libuv is through with those. What threads have done, writes, signals and
--- programs that have ended it takes off lists of its own, and a round within such a callback, as the last one of a
--- state that is closed, waits for the rest of the list for ever.
function loop.later(f, ...)
  if not (handles and uv.loop_mode() and pcall(keep, f, ...)) then f(...) end
end

-- For a loop that ends with its timers: the next round is to come to `prepare`.
local on_alarm = loop.enter(function()
  alarm_at = nil
  if handles then spin(true) end
end)

-- An alarm that comes too early does no harm, so it is not moved for a timer that was cancelled.
local function set_alarm(seconds)
  local now = uv.now()
  local at = now + math.ceil(math.min(seconds, LONGEST) * 1000)
  if alarm_at and alarm_at <= at then return end
  alarm_at = at
  handles.alarm:start(at - now, 0, on_alarm)
end

local function clear_alarm()
  if not alarm_at then return end
  alarm_at = nil
  handles.alarm:stop()
end

-- The grace time of a cancel comes when the loop runs anyway, but keeps none alive.
local function keep_alive(on)
  if on == handles.keeps then return end
  handles.keeps = on
  if on then
    handles.alarm:ref()
  else
    handles.alarm:unref()
  end
end

--- @return function that calls f as a callback of a Deferred is called: an error in it is a failure that nobody handled
function loop.protect(f)
  check.callable(f, 1, "protect")
  return loop.enter(function(...) core.succeed(...):add_callback(f) end)
end

-- Those who wait for libuv to look at what is there: `asking` until it does, then `answered`.
local asking, answered = {}, {}

--- @return Deferred that fires when libuv has looked at all handles, and called back for what it found
function loop.polled()
  loop.join()
  local deferred = core.Deferred()
  asking[#asking + 1] = deferred
  return deferred
end

local function answer()
  local list = answered
  answered = {}
  for _, deferred in ipairs(list) do core.succeed_with(deferred) end
  core.finish()
end

local function drop_mail()
  if handles.mail then handles.mail:close() end
  handles.mail, handles.mail_file = nil, nil
end

-- The file has to be asked for before each sleep.
local function watch_mail()
  local file = core.mail_file()
  if file == handles.mail_file then return end
  drop_mail()
  if not file then return end
  handles.mail, handles.mail_file = uv.new_poll(file), file
  handles.mail:start("r", ignore)
  loop.own()
end

-- One pass of weir; then libuv knows what to come back for.
local function look()
  local left, keeps = core.step(), true
  if left ~= 0 then left, keeps = core.first_timer() end
  if not handles then return end -- detached by what ran
  watch_mail()
  spin(left == 0 or asking[1] ~= nil)
  keep_alive(keeps)
  if left then
    set_alarm(left)
  else
    clear_alarm()
  end
end

local function before_sleep()
  checks = true
  if run and run.failed then uv.stop() end -- a round within this one took the stop for its own
  call_kept()
  look()
  if asking[1] then asking, answered = {}, table.move(asking, 1, #asking, #answered + 1, answered) end
end

local function behind_sleep()
  checks = false
  call_kept()
  if answered[1] then answer() end
  if not uv.loop_alive() then look() end
end

local function unreferenced(handle, ...)
  handle:start(...)
  handle:unref()
  return handle
end

-- luv frees a handle that has been closed as soon as the state is closed, though libuv may not be through with it, and
-- what a thread works with. So whatever is open is closed before, and what is under way ends, in the finalizer that is
-- called first: that of the youngest object.
local Guard = {}

function Guard:__gc()
  if self ~= shared.guard then return end
  uv.walk(function(handle) pcall(loop.close, handle) end) -- made later, it closes itself
  shared.is_over = true
  while uv.run() do end
end

--- Sees to the end of what luv has just made; returns that.
function loop.own(object)
  shared.guard = setmetatable({}, Guard)
  return object
end

--- Closes a handle, if that has not been done.
function loop.close(handle)
  if not shared.is_over and not handle:is_closing() then handle:close() end
end

--- Is the state being closed? Then whatever luv has made may be gone.
function loop.is_over()
  return shared.is_over
end

--- Is weir in the loop?
loop.is_in = false

--- Puts weir into the loop, if it is not.
function loop.join()
  if handles then return end
  loop.is_in = true
  handles = {
    idle = uv.new_idle(),
    alarm = uv.new_timer(),
    prepare = unreferenced(uv.new_prepare(), loop.enter(before_sleep)),
    check = unreferenced(uv.new_check(), loop.enter(behind_sleep)),
    sigpipe = unreferenced(uv.new_signal(), "sigpipe", ignore),
    keeps = true,
    spins = false,
  }
  spin(true)
  loop.own()
end

--- Puts weir into the loop, and has the next round look at it, also if libuv has nothing to do.
function loop.attach()
  loop.join()
  spin(true)
end

--- Takes weir out again: afterwards the loop has no handle of it.
function loop.detach()
  call_kept()
  if not handles then return end
  drop_mail()
  for _, name in ipairs { "idle", "alarm", "prepare", "check", "sigpipe" } do handles[name]:close() end
  handles, alarm_at = nil, nil
  loop.is_in = false
  if run then
    run.again = true
    uv.stop()
  end
end

-- Returns whether somebody stopped it, other than to have weir put in again.
local function run_libuv()
  local this = {}
  run = this
  local stopped = uv.run()
  run = nil
  loop.own() -- and meanwhile
  if this.failed then error(this.err, 0) end
  return stopped and not this.again
end

-- Until `ended` says so, or somebody stops libuv, or there is nothing left: returns whether it was that.
local function drive(ended)
  loop.own() -- for handles of others, that were made before
  repeat
    repeat
      loop.join() -- it may have been detached, and what runs now may do so
      look()
    until handles
    if not ended() and not uv.loop_alive() then return true end
  until ended() or run_libuv() or ended()
  return false
end

local function never() return false end

-- Behind what is ready, as weir.run does it.
local function start_late(co)
  local inline = core.inline(false)
  core.start(co)
  core.inline(inline)
end

local function stop()
  if run then uv.stop() end
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
    stop()
  end
  core.follow(core.join "run", co, on_end, nil, true)
  start_late(co)
  local ok, nothing_left = pcall(drive, function() return has_ended end)
  is_gone = true
  if not ok then error(nothing_left, 0) end
  if has_ended then return finish(core.outcome(co)) end
  if nothing_left then core.deadlock(co) end
  error(("libuv's loop was stopped before %s had ended"):format(co), 2)
end

--- Runs libuv's loop, as weir.run runs weir's own, until the coroutine of f(...) has ended, or without `f` until
--- neither libuv nor weir has anything left.
function loop.run(...)
  local n = select("#", ...)
  if n > 0 then check.callable((...), 1, "run") end
  core.check_host "run"
  if uv.loop_mode() then error("attempt to run inside a callback of libuv", 2) end
  if n > 0 then return run_until_end(core.prepare(...)) end
  drive(never)
end

return loop
