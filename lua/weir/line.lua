--- A line of waiters, first come, first served.
-- Each is a Deferred. One that is cancelled leaves the line, also when a coroutine that was about to wait for it is
-- cancelled instead. One that is held keeps its place, and is passed over.
local core = require "weir.core".functions
local heap = require "weir.heap"

-- An entry is in line while it has its Deferred, and `entries` has it under that. Those that may be served are in
-- `queue`, from `head` to `tail`, or in `freed` if they were held when their turn came. What is in these two and not in
-- line, or held, is dropped when it comes to the front.
-- What allocates comes before what counts: without memory nothing is changed.
local Line = {}
Line.__index = Line

-- Keeps `queue` from growing while all who come leave again. Whoever comes does it: to leave is never to fail.
local function compact(self)
  local queue, n = {}, 0
  for i = self.head, self.tail do
    local entry = self.queue[i]
    if entry.deferred then
      n = n + 1
      queue[n] = entry
    end
  end
  self.queue, self.head, self.tail = queue, 1, n
end

local function remove(self, entry)
  self.entries[entry.deferred] = nil
  entry.deferred, entry.value = nil, nil
  self.count = self.count - 1
end

local function append(self, entry)
  if self.tail - self.head > 2 * self.count + 100 then compact(self) end
  self.queue[self.tail + 1] = entry
  self.entries[entry.deferred] = entry
  self.tail = self.tail + 1
  self.count = self.count + 1
end

local function free(self, entry)
  if entry.dropped then heap.push(self.freed, entry) end
  entry.held, entry.dropped = false, false
end

--- @param purpose what they are in line for, to be shown
--- @param on_free called when a waiter that was held is free again
--- @param on_leave called when a waiter has left, if given
function Line.new(purpose, on_free, on_leave)
  local self = setmetatable({ entries = {}, queue = {}, head = 1, tail = 0, freed = {}, count = 0, ticket = 0 }, Line)
  local function with_entry(f)
    return function(deferred)
      local entry = self.entries[deferred]
      if entry then f(self, entry) end
    end
  end
  self.hooks = {
    with_entry(function(_, entry)
      remove(self, entry)
      if on_leave then on_leave() end
    end),
    with_entry(function(_, entry) entry.held = true end),
    with_entry(function(_, entry)
      free(self, entry)
      on_free()
      core.finish()
    end),
    purpose,
  }
  return self
end

--- To the end of the line, with a value.
--- @return Deferred
function Line:join(value)
  self.ticket = self.ticket + 1
  local entry = { deferred = core.claim(self.hooks), value = value, ticket = self.ticket }
  append(self, entry)
  return entry.deferred
end

-- May it be served? Those that are being cancelled, or were fired by somebody else, are in line no longer.
local function may_go(self, entry)
  if not entry.deferred then return false end
  if core.leaving(entry.deferred) then
    remove(self, entry)
    return false
  end
  entry.dropped = entry.held
  return not entry.held
end

local function first_in_queue(self)
  while self.head <= self.tail do
    local entry = self.queue[self.head]
    if may_go(self, entry) then return entry end
    self.queue[self.head] = nil
    self.head = self.head + 1
  end
end

local function first_of_freed(self)
  while self.freed[1] do
    if may_go(self, self.freed[1]) then return self.freed[1] end
    heap.pop(self.freed)
  end
end

--- The first that may be served; nil if there is none.
function Line:front()
  if self.count == 0 then return nil end
  local freed = first_of_freed(self)
  local entry = first_in_queue(self)
  return freed and not (entry and entry.ticket < freed.ticket) and freed or entry
end

--- Takes one out.
--- @return Deferred and value of it
function Line:take(entry)
  local deferred, value = entry.deferred, entry.value
  remove(self, entry)
  return deferred, value
end

--- All that are in line, held ones too, first come first.
--- @return list of entries
function Line:all()
  local list = {}
  for deferred, entry in pairs(self.entries) do
    if not core.leaving(deferred) then list[#list + 1] = entry end
  end
  table.sort(list, function(a, b) return a.ticket < b.ticket end)
  return list
end

--- Takes all of them out.
--- @return list of entries
function Line:take_all()
  local list = self:all()
  self.entries, self.queue, self.head, self.tail, self.freed, self.count = {}, {}, 1, 0, {}, 0
  return list
end

return Line
