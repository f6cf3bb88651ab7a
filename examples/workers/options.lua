--- The command line: `--name value`, and what stands alone.
local options = {}

local function set(values, name, value, defaults)
  local default = defaults[name]
  if default == nil then error("unknown option --" .. name, 0) end
  if value == nil then error("a value is missing for --" .. name, 0) end
  if type(default) == "number" then value = tonumber(value) or error("a number is expected for --" .. name, 0) end
  values[name] = value
end

--- @param defaults name -> value; a number: the option is one
--- @return table with a value for each name, and in its list part what stands alone
function options.parse(arguments, defaults)
  local values = setmetatable({}, { __index = defaults })
  local i = 1
  while arguments[i] do
    local name = arguments[i]:match "^%-%-(.+)$"
    if name then
      set(values, name, arguments[i + 1], defaults)
      i = i + 2
    else
      values[#values + 1] = arguments[i]
      i = i + 1
    end
  end
  return values
end

return options
