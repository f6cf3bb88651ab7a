--- Options of what shows who waits on whom.
local core = require "weir.core".functions

local MOST = 1000 -- lines, if nothing is said

local KNOWN = { lines = true, root = true }

-- Level 4: behind this, the check and the function that asks.
local function fail(name, message)
  error(("bad argument #1 to '%s' (%s)"):format(name, message), 4)
end

--- Checks the argument of a function with that name, at the call of which it raises.
--- @return number of lines, and where to begin, or nil
return function(options, name)
  if options == nil then return MOST end
  if type(options) ~= "table" then fail(name, "table expected, got " .. type(options)) end
  for key in pairs(options) do
    if not KNOWN[key] then fail(name, ("unknown option '%s'"):format(tostring(key))) end
  end
  local root, lines = options.root, options.lines
  if root ~= nil and not core.is_deferred(root) then fail(name, "option 'root' is not a Deferred") end
  if lines ~= nil and not (math.type(lines) == "integer" and lines >= 1) then
    fail(name, "option 'lines' is not a positive integer")
  end
  return lines or MOST, root
end
