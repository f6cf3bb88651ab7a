--- A line of waiters, first come, first served.
-- Each is a Deferred. One that is cancelled leaves the line; one that is held keeps its place, and is passed over.
local core = require "weir.core".functions

local Line = {}
Line.__index = Line

-- An entry is in the list while the line knows it by its Deferred.
local function remove(self, entry)
  local before, behind = entry.before, entry.behind
  if before then before.behind = behind else self.first = behind end
  if behind then behind.before = before else self.last = before end
  self.entries[entry.deferred] = nil
  self.count = self.count - 1
end

local function append(self, entry)
  entry.before = self.last
  if self.last then self.last.behind = entry else self.first = entry end
  self.last = entry
  self.entries[entry.deferred] = entry
  self.count = self.count + 1
end

local function set_held(self, deferred, held)
  local entry = self.entries[deferred]
  if entry then entry.held = held end
end

--- @param on_free called when a waiter that was held is free again
function Line.new(on_free)
  local self = setmetatable({ entries = {}, count = 0 }, Line)
  self.hooks = {
    cancel = function(deferred)
      local entry = self.entries[deferred]
      if entry then remove(self, entry) end
    end,
    pause = function(deferred) set_held(self, deferred, true) end,
    unpause = function(deferred)
      set_held(self, deferred, false)
      on_free()
    end,
  }
  return self
end

--- To the end of the line, with a value.
--- @return Deferred
function Line:join(value)
  local entry = { deferred = core.Deferred(self.hooks), value = value }
  append(self, entry)
  return entry.deferred
end

--- The first that may be served; nil if there is none. Those that are being cancelled, or were fired by somebody else,
--- are in line no longer.
function Line:front()
  local entry = self.first
  while entry and (entry.held or core.leaving(entry.deferred)) do
    if not entry.held then remove(self, entry) end
    entry = entry.behind
  end
  return entry
end

--- Takes one out.
--- @return Deferred of it
function Line:take(entry)
  remove(self, entry)
  return entry.deferred
end

--- Takes all out, held ones too.
--- @return list of entries
function Line:take_all()
  local list = {}
  while self.first do
    list[#list + 1] = self.first
    remove(self, self.first)
  end
  return list
end

return Line
