--- Items that pass from those who put to those who get.
local check = require "weir.check"
local core = require "weir.core".functions
local Line = require "weir.line"

local ClosedError = core.error_class "ClosedError"

-- Items are at `first` .. `last`; `getters` and `putters` wait, these with their items.
local Queue = {}
Queue.__index = Queue
Queue.__name = "Queue"

local function closed_error()
  return setmetatable({ message = "the queue is closed" }, ClosedError)
end

-- Of one who gets, it is known whether the end is an end for it, or an error.
local function tell_end(deferred, ends)
  if ends then
    core.succeed_with(deferred)
  else
    core.fail_with(deferred, closed_error())
  end
end

local function append(self, item)
  self.items[self.last + 1] = item
  self.last = self.last + 1
end

local function drop_first(self)
  self.items[self.first] = nil
  self.first = self.first + 1
end

-- Whoever is served has its outcome before it leaves the line: without memory for that nothing is changed.

-- One who waits to put its item in, if there is room. A queue without room passes items from hand to hand.
local function serve_putter(self)
  local n = #self
  local has_room = n < self.size or (n == 0 and self.getters:front())
  local putter = has_room and self.putters:front()
  if not putter then return false end
  local deferred, item = putter.deferred, putter.value
  append(self, item)
  core.succeed_with(deferred)
  self.putters:take(putter)
  return true
end

-- One who waits for an item, if there is one, or if there never will be.
local function serve_getter(self)
  local getter = (#self > 0 or self.closed) and self.getters:front()
  if not getter then return false end
  if #self > 0 then
    core.succeed_with(getter.deferred, self.items[self.first])
    drop_first(self)
  else
    tell_end(getter.deferred, getter.value)
  end
  self.getters:take(getter)
  return true
end

local function serve(self)
  while serve_putter(self) or serve_getter(self) do end
end

--- Puts an item in, when there is room.
--- @return Deferred that fires when it is in
function Queue:put(item)
  check.self(self, Queue, "put")
  check.that(item ~= nil, 1, "put", "value expected")
  check.that(not core.is_deferred(item), 1, "put", "a Deferred cannot be a value")
  if self.closed then return core.fail(closed_error()) end
  local deferred = self.putters:join(item)
  serve(self)
  return core.finish(deferred)
end

local function get(self, ends)
  local deferred = self.getters:join(ends)
  serve(self)
  return core.finish(deferred)
end

--- Takes the first item out, when there is one.
--- @return Deferred of the item; it fails with a ClosedError when the queue is closed and empty
function Queue:get()
  check.self(self, Queue, "get")
  return get(self, false)
end

--- For a generic `for` that awaits each item, and ends when the queue is closed and empty.
function Queue:iter()
  check.self(self, Queue, "iter")
  return function()
    core.check_await()
    return core.await(get(self, true))
  end
end

--- Takes no more items. Those that are in can be got still; those that wait to be put in are not.
function Queue:close()
  check.self(self, Queue, "close")
  if self.closed then return end
  self.closed = true
  for _, entry in ipairs(self.putters:take_all()) do
    core.fail_with(entry.deferred, closed_error())
  end
  serve(self)
  core.finish()
end

function Queue:__len()
  return self.last - self.first + 1
end

function Queue:__tostring()
  check.self(self, Queue, "tostring")
  local state = self.closed and "closed, " or ""
  return ("Queue: %p (%s%d items, %d to get, %d to put)")
    :format(self, state, #self, self.getters.count, self.putters.count)
end

--- @param size integer, how many items it has room for; any number, if nil
--- @return Queue that is empty
local function new(size)
  size = size == nil and math.huge or check.integer(size, 0, 1, "Queue")
  local self = setmetatable({ items = {}, first = 1, last = 0, size = size, closed = false }, Queue)
  local function on_free() serve(self) end
  self.getters, self.putters = Line.new("Queue:get", on_free), Line.new("Queue:put", on_free)
  return self
end

return new
