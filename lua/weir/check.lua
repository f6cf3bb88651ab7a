--- Argument checks in the manner of Lua's own, for what is written in Lua.
local core = require "weir.core".functions
local keys_of = require "weir.keys"

local type_of = core.type_name

local check = {}

-- Level 4: behind fail, the check and the function that asks.
local function fail(position, name, message)
  error(("bad argument #%d to '%s' (%s)"):format(position, name, message), 4)
end

--- Raises `message` for an argument, unless `condition` holds.
function check.that(condition, position, name, message)
  if not condition then fail(position, name, message) end
end

--- Raises unless `f` can be called, at the call of the function that asks.
function check.callable(f, position, name)
  if not core.is_callable(f) then fail(position, name, "function expected, got " .. type_of(f)) end
end

--- Raises unless `t` is a table whose keys have an order; returns them in it.
function check.keys(t, position, name)
  if type(t) ~= "table" then fail(position, name, "table expected, got " .. type_of(t)) end
  local keys, message = keys_of(t)
  if not keys then fail(position, name, message) end
  return keys
end

local function is_whole(value, least)
  return type(value) == "number" and math.tointeger(value) ~= nil and value >= least
end

--- Raises unless `options` is nil, or a table with only what is in `known`, each an integer of at least what is there.
--- @return options, or an empty table
function check.options(options, known, position, name)
  if options == nil then return {} end
  if type(options) ~= "table" then fail(position, name, "table expected, got " .. type_of(options)) end
  for key, value in pairs(options) do
    local least = known[key]
    if not least then fail(position, name, ("unknown option '%s'"):format(tostring(key))) end
    if not is_whole(value, least) then
      fail(position, name, ("option '%s' is not an integer of at least %d"):format(key, least))
    end
  end
  return options
end

--- Raises, at `level`, what a C function has raised in a pcall: the argument that it blames is the caller's.
--- @param name of the function for whose argument that is; nil: its own, without that of the module
function check.blame(raised, name, level)
  local which, own, why = tostring(raised):match "^bad argument (#%d+) to '([^']*)'(.*)$"
  if not which then error(raised, 0) end
  error(("bad argument %s to '%s'%s"):format(which, name or own:match "[^.]*$", why), level + 1)
end

--- Raises unless `self` is an object of that class. The arguments of methods are counted without it.
function check.self(self, class, name)
  if getmetatable(self) ~= class then
    error(("calling '%s' on bad self (%s expected, got %s)"):format(name, class.__name, type_of(self)), 3)
  end
end

--- Raises unless `n` is a whole number, at least `least`; returns it as an integer.
function check.integer(n, least, position, name)
  local whole = math.tointeger(n)
  if type(n) ~= "number" then fail(position, name, "number expected, got " .. type_of(n)) end
  if not whole then fail(position, name, "number has no integer representation") end
  if whole < least then fail(position, name, "must be at least " .. least) end
  return whole
end

--- Raises unless `seconds` is a time: a number, neither negative nor NaN. With `optional` it may be nil.
function check.seconds(seconds, position, name, optional)
  if seconds == nil and optional then return end
  if type(seconds) ~= "number" then
    fail(position, name, "number expected, got " .. type_of(seconds))
  elseif seconds < 0 or seconds ~= seconds then
    fail(position, name, "time must not be negative or NaN")
  end
end

return check
