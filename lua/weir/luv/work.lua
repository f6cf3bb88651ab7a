--- Functions that run on a thread of libuv's pool.
local check = require "weir.check"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local loop = require "weir.luv.loop"
local uv = require "weir.luv.uv"

local MOST = 8 -- values that luv takes along, beside the one that tells success from failure

-- What runs over there. An error, and what cannot be taken along, comes back as a message.
local WORKER = [[
local f, most = load(%q, "=work", "b"), %d
local plain = { ["nil"] = true, boolean = true, number = true, string = true }
local function checked(ok, ...)
  if not ok then return false, tostring((...)) end
  if select("#", ...) > most then return false, "too many values" end
  for i = 1, select("#", ...) do
    local kind = type((select(i, ...)))
    if not plain[kind] then return false, "a " .. kind .. " cannot come back from a thread" end
  end
  return true, ...
end
return checked(pcall(f, ...))
]]

local PLAIN = { ["nil"] = true, boolean = true, number = true, string = true }

-- What luv does not take along it raises, at its own call. Level 3: behind this, and the function that was made.
local function check_arguments(...)
  if select("#", ...) > MOST then error("too many values for a thread", 3) end
  for i = 1, select("#", ...) do
    local kind = type((select(i, ...)))
    if not PLAIN[kind] then error(("bad argument #%d (a %s cannot go to a thread)"):format(i, kind), 3) end
  end
end

-- Lua gives it the global table instead of its upvalue, whatever that is.
local function has_upvalues(f)
  local name = debug.getupvalue(f, 1)
  return (name ~= nil and name ~= "_ENV" and name ~= "(no name)") or debug.getupvalue(f, 2) ~= nil
end

local function settle(deferred, ok, ...)
  if ok then
    core.succeed_with(deferred, ...)
  else
    core.fail_with(deferred, ... or "the thread has failed")
  end
  core.finish()
end

local function queue(code, ...)
  loop.join()
  local deferred = core.Deferred()
  local job = loop.own(uv.new_work(code, loop.enter(function(...) loop.later(settle, deferred, ...) end)))
  local ok, message = job:queue(...)
  if not ok then core.fail_with(deferred, failure(message)) end
  return deferred
end

--- @param f function without upvalues, which gets and returns nil, booleans, numbers and strings
--- @return function that has f called with its arguments on another thread, in a Lua state of that, and returns a
--- Deferred of what it returns
local function work(f)
  check.that(type(f) == "function" and debug.getinfo(f, "S").what ~= "C", 1, "work", "Lua function expected")
  check.that(not has_upvalues(f), 1, "work", "function without upvalues expected")
  local code = WORKER:format(string.dump(f), MOST)
  return function(...)
    check_arguments(...)
    return queue(code, ...)
  end
end

return work
