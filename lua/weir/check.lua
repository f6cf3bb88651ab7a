--- Argument checks in the manner of Lua's own, for what is written in Lua.
local check = {}

local function is_callable(f)
  local meta = getmetatable(f)
  return type(f) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

-- Level 4: behind fail, the check and the function that asks.
local function fail(position, name, message)
  error(("bad argument #%d to '%s' (%s)"):format(position, name, message), 4)
end

--- Raises unless `f` can be called, at the call of the function that asks.
function check.callable(f, position, name)
  if not is_callable(f) then
    fail(position, name, "function expected, got " .. (f == nil and "no value" or type(f)))
  end
end

--- Raises unless `seconds` is a time: a number, neither negative nor NaN.
function check.seconds(seconds, position, name)
  if type(seconds) ~= "number" then
    fail(position, name, "number expected, got " .. (seconds == nil and "no value" or type(seconds)))
  elseif seconds < 0 or seconds ~= seconds then
    fail(position, name, "time must not be negative or NaN")
  end
end

return check
