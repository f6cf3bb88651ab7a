--- Arguments as LuaSocket takes them, by Lua's own rules for what C functions get: a number is a string, too, and a
--- string that looks like a number is one.
local type_of = require("weir.core").functions.type_name

local argument = {}

-- Level 4: behind this, the check and the function that asks.
local function fail(value, expected, position, name)
  error(("bad argument #%d to '%s' (%s expected, got %s)"):format(position, name, expected, type_of(value)), 4)
end

function argument.text(value, position, name)
  if type(value) == "string" then return value end
  if type(value) ~= "number" then fail(value, "string", position, name) end
  return tostring(value)
end

function argument.number(value, position, name)
  local number = (type(value) == "number" or type(value) == "string") and tonumber(value)
  return number or fail(value, "number", position, name)
end

--- Of an address: "80.0" would be no port.
function argument.port(value, position, name)
  local port = math.type(value) == "float" and math.tointeger(value) or value
  if type(port) ~= "string" and type(port) ~= "number" then fail(value, "string", position, name) end
  return tostring(port)
end

return argument
