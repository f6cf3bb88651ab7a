--- What cqueues polls, for Deferreds.
-- Each wait is that of a plain coroutine, a poller, in a controller which nobody else knows. As only we step it we can
-- do so at any time, from within a coroutine of another controller too: so a wait is there as soon as it is asked for,
-- one that is cancelled is gone at once, and we learn what cannot be polled. Pollers run no code of others; what came
-- is told behind the step.
local check = require "weir.check"
local condition = require "cqueues.condition"
local core = require "weir.core".functions
local cqueues = require "cqueues"
local socket_type = require("cqueues.socket").type

local ClosedError = core.error_class "ClosedError"
local POLL = cqueues._POLL
local MOST_IDLE = 1024

local pollers = {}

local controller -- made when it is needed
local by_thread = {} -- those alive
local idle = {} -- those of them without a wait
local count = 0 -- waits
local told = {} -- what came, first come first: lists of values with the `deferred` that is to have them
local on_change -- see pollers.watch
local was_reset = false -- the controller, in the step under way: so it goes on with all of them, without news

-- ---- what can be polled ----

local function closed_one(objects)
  for i = 1, objects.n do
    local kind = socket_type(objects[i]) or cqueues.type(objects[i])
    if kind and kind:find "^closed" then return setmetatable({ message = kind }, ClosedError) end
  end
end

local function info_of(object)
  return object.pollfd or object.events or object.timeout
end

-- A table may have nothing to say.
local function can_be_polled(object)
  if object == nil or type(object) == "number" then return true end
  local has_fields, info = pcall(info_of, object)
  return has_fields and (info or type(object) == "table")
end

-- Closed, or without fields, it has cqueues' step raise, which then can never be called again.
local function first_wrong(objects)
  for i = 1, objects.n do
    if not can_be_polled(objects[i]) then return i end
  end
end

-- ---- those who poll ----

-- `deferred` and `objects`: of its wait; a cancel takes them away. `wake`: to look what it has to do. `got`: what came
-- none the less. `is_idle`: it is in that list; `is_parked`: without a
-- signal it does not look.
local Poller = {}
Poller.__index = Poller

local function drop_wait(self)
  self.deferred, self.objects = nil, nil
  count = count - 1
end

local function without(wake, ...)
  if (...) == wake then return table.pack(select(2, ...)) end
  return table.pack(...)
end

-- A signal of a condition is for one waiter: if it came with the cancel nobody else has got it.
local function take(self, deferred, values)
  if self.deferred == deferred then
    drop_wait(self)
    values.deferred = deferred
    told[#told + 1] = values
  elseif values.n > 0 then
    self.got = values
  end
end

local function leave_idle(self)
  for i, other in ipairs(idle) do
    if other == self then return table.remove(idle, i) end
  end
end

-- Most often there is work before the next step, which goes on with it without being asked.
local function await_work(self)
  idle[#idle + 1] = self
  self.is_idle = true
  cqueues.poll()
  if not self.is_idle then return end
  self.is_parked = true
  cqueues.poll(self.wake)
end

local function poll(self, objects)
  local values
  repeat
    values = without(self.wake, cqueues.poll(self.wake, table.unpack(objects, 1, objects.n)))
    local closed = values.n == 0 and was_reset and closed_one(objects)
    if closed then error(closed, 0) end
  until values.n > 0 or not was_reset
  return values
end

local function live(self)
  local thread = coroutine.running()
  by_thread[thread] = self
  repeat
    local deferred = self.deferred
    if deferred then
      take(self, deferred, poll(self, self.objects))
    else
      await_work(self)
    end
  until not self.deferred and #idle >= MOST_IDLE
  by_thread[thread] = nil
end

-- What it was to poll cannot be polled.
local function bury(thread, err)
  local self = thread and by_thread[thread]
  if not self then error(err, 0) end
  by_thread[thread] = nil
  if self.is_idle then leave_idle(self) end
  local deferred = self.deferred
  if not deferred then return end
  drop_wait(self)
  core.fail_with(deferred, err)
end

-- ---- stepping ----

-- Inside of another controller's coroutine the method first waits there, and steps when that is answered. We do not
-- ask anybody.
local stepper, is_stepping

local function step_again_and_again()
  while true do coroutine.yield(controller:step(0)) end
end

local function step_once()
  stepper = stepper or coroutine.create(step_again_and_again)
  local resumed, ok, err, code, thread, object = coroutine.resume(stepper)
  if resumed and ok == POLL then resumed, ok, err, code, thread, object = coroutine.resume(stepper) end
  if resumed then return ok, err, code, thread, object end
  stepper = nil
  error(ok, 0)
end

-- An error of the system that is not about what was asked for: a file was closed while it was polled, and cqueues did
-- not learn of that. It would try to withdraw it for ever, and drop all others that it goes on with.
local function mend(code, object)
  if not code or object ~= nil then return end
  controller:reset()
  was_reset = true
end

local function step_until_fine()
  repeat
    local ok, err, code, thread, object = step_once()
    if not ok then
      bury(thread, err)
      mend(code, object)
    end
  until ok
end

-- cqueues goes on with those first that became ready last.
local function reverse(list, first)
  local last = #list
  while first < last do
    list[first], list[last] = list[last], list[first]
    first, last = first + 1, last - 1
  end
end

--- Sees what has come, and to what has been asked for.
function pollers.step()
  if not controller or is_stepping then return end
  local first = #told + 1
  is_stepping = true
  local ok, err = pcall(step_until_fine)
  is_stepping, was_reset = false, false
  reverse(told, first)
  if not ok then error(err, 0) end
end

-- ---- waiting ----

-- When the Lua state is closed the controller may be gone before those who wait.
local function is_over()
  return cqueues.type(controller) ~= "controller"
end

local function cancel(self, deferred)
  if self.deferred ~= deferred or is_over() then return end
  drop_wait(self)
  self.wake:signal()
  pollers.step()
  local got = self.got
  self.got = nil
  if got then core.succeed_with(deferred, table.unpack(got, 1, got.n)) end
  on_change()
end

local function new()
  local self = setmetatable({ wake = condition.new() }, Poller)
  self.hooks = { function(deferred) cancel(self, deferred) end }
  return self
end

local function begin(objects)
  controller = controller or cqueues.new()
  local n = #idle
  local self = idle[n] or new()
  self.objects, self.deferred = objects, core.claim(self.hooks)
  count = count + 1
  if n > 0 then
    idle[n] = nil
    if self.is_parked then self.wake:signal() end
    self.is_idle, self.is_parked = false, false
  else
    controller:wrap(live, self)
  end
  return self.deferred
end

-- Of these nothing gets lost until the next step.
local function can_wait(objects)
  for i = 1, objects.n do
    local object = objects[i]
    if not (object == nil or type(object) == "number" or socket_type(object)) then return false end
  end
  return true
end

local function is_empty(objects)
  for i = 1, objects.n do
    if objects[i] ~= nil then return false end
  end
  return true
end

local function ignore() end

--- cqueues.poll(...).
--- @return Deferred of what is ready
function pollers.poll(...)
  local objects = table.pack(...)
  local wrong = first_wrong(objects)
  check.that(not wrong, wrong, "poll", "object with a pollfd, or number expected")
  local closed = closed_one(objects)
  if closed then return core.fail(closed) end
  local gives_way = is_empty(objects)
  local deferred = begin(gives_way and { n = 1, 0 } or objects)
  if gives_way then deferred:add_callback(ignore) end
  if not can_wait(objects) then pollers.step() end
  on_change()
  return deferred
end

-- ---- for the loop ----

--- What is to be polled for all of them; nil if nobody waits.
function pollers.object()
  return count > 0 and controller or nil
end

--- Has something come that has not been told?
function pollers.has_news()
  return told[1] ~= nil
end

--- Tells what has come.
function pollers.tell()
  local list = told
  told = {}
  for _, values in ipairs(list) do core.succeed_with(values.deferred, table.unpack(values, 1, values.n)) end
  core.finish()
end

--- f() is called when the loop has to look anew at all of this.
function pollers.watch(f)
  on_change = f
end

return pollers
