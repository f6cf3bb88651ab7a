-- What every spec shares: a manual clock, a trace, a release check, a collector of unhandled failures.
local weir = require "weir"

local h = {}
local saved = {}

--- A callback, body or handler that does nothing.
function h.ignore() end

--- Collects all garbage: several cycles, for finalizers and what they free.
function h.collect()
  for _ = 1, 4 do collectgarbage("collect") end
end

--- How many kilobytes n calls of f leave to the collector, beyond what one does.
function h.garbage(n, f)
  local function left_by(times)
    h.collect()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, times do f() end
    local after = collectgarbage "count"
    collectgarbage "restart"
    return after - before
  end
  left_by(n) -- what grows once has grown
  return left_by(n) - left_by(1)
end

--- How many cycles of the collector end while f runs, and what that returns.
function h.cycles(f)
  local n = 0
  local function sentinel()
    setmetatable({}, {
      __gc = function()
        n = n + 1
        sentinel()
      end,
    })
  end
  local mode = collectgarbage "incremental"
  h.collect()
  sentinel()
  local result = f()
  collectgarbage(mode)
  return n, result
end

--- How many end while n things are made, which are kept: nobody who makes as many can do with less.
function h.cycles_of(n, make)
  return (h.cycles(function()
    local list = {}
    for i = 1, n do list[i] = make(i) end
    return list
  end))
end

--- Lets what one spec has left behind come to its end, so that the next one does not see it.
function h.clean()
  local old = weir.on_unhandled(h.ignore)
  collectgarbage()
  collectgarbage()
  weir.step()
  weir.on_unhandled(old)
end

--- Installs a fresh manual clock as the loop's clock and returns it.
function h.manual()
  local clock = weir.Clock()
  local old = weir.clock(clock)
  saved.clock = saved.clock or old
  return clock
end

--- Installs a collector of unhandled failures; returns its list of {err =, traceback =, d =}.
function h.unhandled()
  h.clean()
  local list = {}
  local old = weir.on_unhandled(function(err, traceback, d)
    list[#list + 1] = { err = err, traceback = traceback, d = d }
  end)
  if not saved.collecting then saved.collecting, saved.handler = true, old end
  return list
end

--- Puts back what manual() and unhandled() replaced, and the settings of the module.
function h.restore()
  weir.inline(true)
  weir.grace(5)
  weir.debug(false)
  weir.timing(false)
  weir.trace()
  weir.on_unhandled(h.ignore)
  weir.step()
  weir.on_unhandled(saved.collecting and saved.handler or nil)
  if saved.clock then weir.clock(saved.clock) end
  saved = {}
end

local Trace = {}
Trace.__index = Trace
Trace.__call = function(self, entry) self.log[#self.log + 1] = entry end
function Trace:list() return self.log end

--- A log: t("x") appends, t:list() returns what was appended.
function h.trace()
  return setmetatable({ log = {} }, Trace)
end

--- Collects all garbage; true if the weak table is then empty.
function h.released(weak)
  h.collect()
  return next(weak) == nil
end

--- n, or far less under WEIR_SCALE=small (valgrind).
function h.scale(n)
  n = math.tointeger(n)
  if os.getenv("WEIR_SCALE") ~= "small" then return n end
  return math.max(10, n // 1000)
end

--- The error that f(...) raises; an error of its own if it raises none.
function h.raised(f, ...)
  local ok, err = pcall(f, ...)
  if ok then error("nothing was raised", 2) end
  return err
end

--- Runs f(...) as a coroutine that must end before it waits: its values, or raises its error (asserts pass through).
function h.inside(f, ...)
  return weir.spawn(f, ...):result()
end

return h
