--- Argument checks in the manner of Lua's own, for what is written in Lua.
local check = {}

local function is_callable(f)
  local meta = getmetatable(f)
  return type(f) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

local function fail(position, name, message, level)
  error(("bad argument #%d to '%s' (%s)"):format(position, name, message), level + 2)
end

--- Raises unless `f` can be called. `level` is that of the function called by the user, from its
-- own point of view 1.
function check.callable(f, position, name, level)
  if not is_callable(f) then
    fail(position, name, "function expected, got " .. (f == nil and "no value" or type(f)), level + 1)
  end
end

--- Raises unless `seconds` is a time: a number, neither negative nor NaN.
function check.seconds(seconds, position, name, level)
  if type(seconds) ~= "number" then
    fail(position, name, "number expected, got " .. (seconds == nil and "no value" or type(seconds)), level + 1)
  elseif not (seconds >= 0) then
    fail(position, name, "time must not be negative or NaN", level + 1)
  end
end

return check
