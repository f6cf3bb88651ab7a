--- What Lock and Semaphore share: permits that are handed from one to the next.
local awaited = require "weir.awaited"
local check = require "weir.check"
local core = require "weir.core".functions
local Line = require "weir.line"

local permits = {}

-- While one is free, nobody who may have it is in line.
local function serve(self)
  while self.free > 0 do
    local entry = self.line:front()
    if not entry then return end
    core.succeed_with(entry.deferred, self) -- first: without memory nothing is changed
    local _, holder = self.line:take(entry)
    self.free = self.free - 1
    if holder then holder.has_it = true end
  end
end

local function join(self, holder)
  local deferred = self.line:join(holder)
  serve(self)
  return core.finish(deferred)
end

-- `has_it`: gives it back, whether or not that has arrived.
local function run_with(self, f, ...)
  local holder = {}
  local acquired = join(self, holder)
  local _ <close> = setmetatable({}, {
    __close = function()
      acquired:cancel()
      if holder.has_it then self:release() end
    end,
  })
  core.await(acquired)
  return awaited(f(...))
end

--- Makes a class of objects with a number of permits.
--- @param name of the class
--- @param too_many the message when one is released that nobody has
--- @return function that makes an object with so many permits
function permits.class(name, too_many)
  local class = { __name = name }
  local run = core.coroutine(run_with, name .. ":run")
  class.__index = class

  --- @return Deferred of the object itself, which releases when it is closed, when a permit is free
  function class:acquire()
    check.self(self, class, "acquire")
    return join(self)
  end

  local function give_back(self)
    if self.free == self.permits then error(too_many, 3) end
    self.free = self.free + 1
    serve(self)
    core.finish()
  end

  --- Gives a permit back.
  function class:release()
    check.self(self, class, "release")
    give_back(self)
  end

  --- Acquires, calls `f(...)`, releases.
  --- @return Coroutine with the outcome of the call
  function class:run(f, ...)
    check.self(self, class, "run")
    check.callable(f, 1, "run")
    return run(self, f, ...)
  end

  function class:__close()
    give_back(self)
  end

  function class:__tostring()
    check.self(self, class, "tostring")
    return ("%s: %p (%d of %d free, %d waiting)"):format(name, self, self.free, self.permits, self.line.count)
  end

  return function(n)
    local self = setmetatable({ permits = n, free = n }, class)
    self.line = Line.new(name .. ":acquire", function() serve(self) end)
    return self
  end
end

return permits
