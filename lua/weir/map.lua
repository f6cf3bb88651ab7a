--- A coroutine for each, a few at a time.
local check = require "weir.check"
local collect = require "weir.collect"
local core = require "weir.core".functions
local watch = require "weir.watch"

-- One map under way: keys and values of the elements that have come, in order, until `next` of them have been given to
-- `f`; `open` counts the calls that have not ended.
local Map = {}
Map.__index = Map

-- What may fail for want of memory comes first.
local function start_next(self)
  local key, value = self.keys[self.next], self.values[self.next]
  local co = core.prepare(self.f, value, key)
  core.follow(self.join, co, self.on_call, key, true)
  self.keys[self.next], self.values[self.next] = nil, nil
  self.next = self.next + 1
  self.open = self.open + 1
  core.start(co)
end

-- A call that ends while the next one is started does not come here again: the loop sees to it.
function Map:go_on()
  if self.starting then return end
  self.starting = true
  while self.next <= self.last and self.open < self.limit and not core.leaving(self.join) do
    start_next(self)
  end
  self.starting = false
end

function Map:add(key, value)
  self.keys[self.last + 1], self.values[self.last + 1] = key, value
  self.last = self.last + 1
end

function Map:fail(part, err, late)
  if self.failed or late then return end
  self.failed = true
  core.decide(self.join, part, err)
end

-- An element has come.
function Map:element(key, part, ok, value, late)
  if not ok then return self:fail(part, value, late) end
  self:add(key, value)
  self:go_on()
end

-- A call has ended.
function Map:call(key, co, ok, value, late)
  if not ok then return self:fail(co, value, late) end
  self.open = self.open - 1
  self.put(key, value)
  self:go_on()
end

local function new(f, limit, keys)
  local self = setmetatable({ f = f, limit = limit }, Map)
  self.join, self.put = collect(keys, "map")
  self.keys, self.values, self.next, self.last, self.open = {}, {}, 1, 0, 0
  self.starting, self.failed = true, false -- nothing starts before all elements are known
  self.on_call = function(...) self:call(...) end
  return self
end

--- @param t table of Deferreds and plain values
--- @param f called with value and key of each as a coroutine, in the order of the keys
--- @param limit integer, how many of these may be under way at a time; all, if nil
--- @return Deferred of a table with the first value of each call under its key. The first failure, of a call or of an
--- element, fails it at once, and cancels the rest.
local function map(t, f, limit)
  local keys = check.keys(t, 1, "map")
  check.callable(f, 2, "map")
  limit = limit == nil and math.huge or check.integer(limit, 1, 3, "map")
  local self = new(f, limit, keys)
  watch(self.join, t, keys, function(...) self:element(...) end,
    function(key, value) self:add(key, value) end)
  self.starting = false
  self:go_on()
  return core.finish(self.join)
end

return map
