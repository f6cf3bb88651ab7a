--- Where acts happen: bodies, callbacks, hooks and handlers. See main.c, which calls this with functions in C.
-- A list of functions that each make one; `functions` are what an act of Lua's side calls, `finish` is the end.
local act, pick, value, seconds, place, slot, opened, guard, broken, trace = ...
local weir = require "weir"

local function several()
  for _ = 1, pick(6) do act() end
end

local function in_metamethod(event)
  return setmetatable({}, { [event] = function()
    several()
    return ""
  end })
end

local function deep(n)
  if n == 0 then return several() end
  return (deep(n - 1))
end

local makers = {
  function() return act end,
  function() return several end,
  function() return function(...) several() return ... end end,
  function() return function() return pcall(several) end end,
  function() return function() return pcall(pcall, several) end end,
  function() return function() return xpcall(several, several) end end,
  function() return function() several() error(value(), 0) end end,
  function() return function() several() return value() end end,
  function() return function() for _ = 1, pick(20) do weir.yield() act() end end end,
  function() return function()
    local _ <close> = setmetatable({}, { __close = several })
    return act()
  end end,
  function() return function()
    local outer <close> = setmetatable({}, { __close = function() several() error(value(), 0) end })
    local inner <close> = setmetatable({}, { __close = function() pcall(several) end })
    several()
    return outer, inner
  end end,
  function() return function()
    for _ in weir.wrap(function()
      for _ = 1, pick(4) do
        several()
        coroutine.yield(value())
      end
    end) do several() end
  end end,
  function() return weir.wrap(function() several() coroutine.yield(value()) several() end) end,
  function() return function() table.sort({ 3, 1, 2 }, function(a, b) several() return a < b end) end end,
  function() return function() return (("x"):gsub("x", several)) end end,
  function() return function()
    local f = coroutine.wrap(function() several() coroutine.yield(value()) several() end)
    f()
    several()
    f()
  end end,
  function() return function() return in_metamethod "__index"[1] end end,
  function() return function() return in_metamethod "__add" + 1 end end, -- not __concat: see README.md
  function() return function() return in_metamethod "__lt" < 1 end end,
  function() return function() return tostring(in_metamethod "__tostring") end end,
  function() return in_metamethod "__call" end,
  function() return function() return coroutine.yield(value()) end end,
  function() return function() return coroutine.yield(value(), value()) end end,
  function() return function() for _ = 1, 20 * pick(32) do local _ = {} end several() end end,
  function() return function() return weir.noreturn(place(), value()) end end,
  function() return function()
    setmetatable({}, { __gc = several })
    several()
  end end,
  function() return function()
    debug.sethook(function() pcall(several) end, "l", pick(64))
    several()
  end end,
  function() return function() debug.sethook(several, "", 1 + pick(64)) several() debug.sethook() end end,
  function() return function() deep(pick(200)) end end,
  function() return function() return table.unpack({}, 1, 4 * pick(64)) end end,
  function() return function() return weir.await(value(), pick(2) == 1 and seconds() or nil) end end,
  function() return function() return act(), slot() end end,
  function() return function() return slot() end end,
  function() return function()
    local all = {}
    for i = 1, pick(5) do all[i] = weir.spawn(place(), value()) end
    return weir.await(weir.all(all))
  end end,
  function() return function(...) pick(1) error(...) end end,
  function() return function(...) pick(1) return weir.yield(...) end end,
  function() return function(...) pick(1) return weir.sleep(...) end end,
  function() return weir.coroutine(several) end,
}

-- Foreign hands on a thread that is perhaps one of weir's.
local function thread()
  local x = value()
  return type(x) == "thread" and x or coroutine.running()
end

local function some()
  local values, n = {}, pick(4)
  for i = 1, n do values[i] = value() end
  return table.unpack(values, 1, n)
end

-- All that is public.
local NAMES = { "Deferred", "succeed", "fail", "maybe", "shield", "is_deferred", "is_cancelled", "coroutine", "spawn",
  "await", "yield", "noreturn", "current", "wrap", "grace", "slice", "Clock", "clock", "now", "sleep", "after", "every",
  "all", "settle", "race", "any", "map", "scope", "Lock", "Semaphore", "Queue", "Event", "Barrier", "run", "step",
  "inline", "on_unhandled", "debug", "stats", "tree", "trace", "timing", "graph", "tasks" }

local METHODS = { "callback", "errback", "add_callback", "add_errback", "add_callbacks", "add_both", "chain", "status",
  "result", "cancel", "pause", "unpause", "timeout", "close", "traceback", "slice", "limit", "advance", "speed", "now",
  "sleep", "after", "every", "acquire", "release", "run", "put", "get", "iter", "set", "clear", "is_set", "wait",
  "why" }

local all_named = {}
for _, name in ipairs(NAMES) do all_named[name] = true end
for name, x in pairs(weir) do
  if type(x) == "function" and not all_named[name] then broken("no act calls weir." .. name) end
end

-- A `run` with an `every` of no seconds has always something to do at once.
local function some_time(period, ...)
  return type(period) == "number" and math.max(period, 1 / 16) or period, ...
end

local function call_method(object)
  local name = METHODS[1 + pick(#METHODS)]
  trace(":" .. name)
  if name == "every" then return object:every(some_time(some())) end
  return object[name](object, some())
end

-- With the arguments that they are made for: wrong ones are in all the others.
local FITTING = {
  function() return weir.Clock() end,
  function() return weir.Clock { speed = seconds() } end,
  function() return weir.clock(weir.Clock()) end,
  function() return weir.clock():advance(seconds()) end,
  function() return weir.sleep(seconds()) end,
  function() return weir.after(seconds(), value()) end,
  function() return weir.every(some_time(seconds(), place())) end,
  function() return weir.all { slot(), slot(), value() } end,
  function() return weir.settle { slot(), a = slot() } end,
  function() return weir.race { slot(), slot() } end,
  function() return weir.any { slot(), slot() } end,
  function() return weir.map({ value(), value(), value() }, place(), 1 + pick(2)) end,
  function() return weir.scope(function(scope)
    for _ = 1, pick(4) do scope:spawn(place(), value()) end
    several()
    return scope
  end) end,
  function() return weir.slice(pick(100)) end,
  function() return slot():slice(pick(100)) end,
  function() return slot():limit { instructions = 10 * pick(100) } end,
  function() return slot():limit { seconds = seconds() } end,
  function() return slot():timeout(seconds()) end,
  function() return slot():add_callback(place()) end,
  function() return slot():add_both(place()) end,
  function() return weir.Queue(pick(3)) end,
  function() return weir.Semaphore(pick(3)) end,
  function() return weir.Barrier(1 + pick(3)) end,
  function() return weir.debug(pick(2) == 1) end,
}

local safe = {
  trace = function(on) return weir.trace(on and "/dev/null" or nil) end, -- into no file but this one
  every = function(...) return weir.every(some_time(...)) end,
}

local function named()
  local name = NAMES[1 + pick(#NAMES)]
  trace("weir." .. name)
  return safe[name] or weir[name]
end

local function fitting()
  local i = 1 + pick(#FITTING)
  trace("FITTING " .. i)
  return FITTING[i]()
end

local functions = {
  function() return named()(some()) end,
  function() return named()(slot(), some()) end,
  function() return fitting() end,
  function() return fitting() end,
  function() return fitting() end,
  function() return call_method(slot()) end,
  function() return call_method(value()) end,
  function() return pcall(act) end,
  function() return coroutine.running() end,
  function() return weir.spawn(function(...)
    local variable <close> = guard(several)
    opened(variable)
    return place()(...)
  end, some()) end,
  function() return weir.coroutine(function()
    local variable <close> = guard(several)
    opened(variable)
    return act()
  end)() end,
  function() return coroutine.resume(thread(), some()) end,
  function() return coroutine.close(thread()) end,
  function() return debug.traceback(thread()) end,
  function()
    local on, f = thread(), place()
    return debug.sethook(on, function(...) pick(1) return f(...) end, "l", pick(9)) -- not for ever
  end,
  function() return debug.sethook(thread()) end,
}
makers.functions = functions

local ENDED = { success = true, failure = true, cancelled = true }

local function ignore() end

local function free(d)
  for _ = 1, 1000 do
    if not pcall(d.unpause, d) then return end
  end
end

local function end_all(list, n)
  for i = 1, n do
    local d = list[i]
    if d then
      free(d)
      pcall(d.cancel, d)
      if d.close then pcall(d.close, d) end
    end
  end
end

--- What is left ends, cancelled or closed by force: all of it, where memory was never short.
function makers.finish(list, count, strict)
  weir.inline(true)
  weir.slice(0)
  weir.on_unhandled(ignore)
  for _ = 1, 4 do
    end_all(list, count())
    for _ = 1, 4 do weir.step() end
  end
  for i = 1, count() do
    local d = list[i]
    if strict and d and not ENDED[d:status()] then broken("without an end: " .. tostring(d)) end
  end
end

return makers
