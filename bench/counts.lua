--- The recorded instructions per operation: counts.txt beside this file. Its first line says with
-- what they were measured, the others have the name of a row and its figure.
local path = arg[0]:gsub("[^/]*$", "") .. "counts.txt"

local counts = {}

--- Returns the figures by name, and the first line; both are empty if there is no file.
function counts.read()
  local figures, file = {}, io.open(path)
  if not file then
    return figures, ""
  end
  local measured_with = file:read "l"
  for line in file:lines() do
    local name, figure = line:match "^(.-)%s+(%d+)$"
    figures[name] = tonumber(figure)
  end
  file:close()
  return figures, measured_with
end

function counts.write(measured_with, names, figures)
  local file = assert(io.open(path, "w"))
  file:write(measured_with, "\n")
  for _, name in ipairs(names) do
    file:write(string.format("%-39s%9d\n", name, figures[name]))
  end
  assert(file:close())
end

return counts
