--- Reads src/weir.h: its functions and enumerators, each with the comment before it.
local header = {}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

-- The text of a comment, without its stars and indentation; paragraphs stay.
local function plain(comment)
  local lines = {}
  for line in (comment .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line:gsub("^%s*%*?%*?%s?", ""):gsub("%s+$", "")
  end
  return (table.concat(lines, "\n"):gsub("^%s+", ""):gsub("%s+$", ""))
end

-- { name, type } of each.
local function parameters(list)
  local result = {}
  list = list:gsub("%(%*([%w_]+)%)%b()", "(*) %1") -- of a pointer to a function only the name
  for type_, name in (list .. ","):gmatch("%s*([^,]-)([%w_]+),") do
    if type_ ~= "" then result[#result + 1] = { name, type_:gsub("%s+$", "") } end
  end
  return result
end

-- `int f(lua_State *L)`, or the same as a pointer to a function.
local function function_in(code)
  local name, list = code:match("%(%*([%w_]+)%)(%b())")
  if not name then name, list = code:match("([%w_]+)(%b())%s*[;{]") end
  return name, list and list:sub(2, -2)
end

-- Each on a line, perhaps with a comment behind it.
local function enumerators(code)
  local list = {}
  for line in code:gmatch("[^\n]+") do
    local name, comment = line:match("^%s*([%u_]+),?%s*(.*)$")
    if name then list[#list + 1] = { name, plain(comment:gsub("^/%*", ""):gsub("%*/$", "")) } end
  end
  return list
end

-- `code` goes up to the next comment, `rest` beyond.
local function entry_of(comment, code, rest)
  local section = comment:match("^%s*%-+ (.-) %-+%s*$")
  if section then return { kind = "section", name = section } end
  local first = code:match("^%s*(.-[;{])") or ""
  local name, list = function_in(first)
  if name then
    return { kind = "function", name = name, text = plain(comment), parameters = parameters(list) }
  elseif first:find("^enum") then
    return { kind = "enum", text = plain(comment), enumerators = enumerators(rest:match("{(.-)};")) }
  end
end

--- The entries in order; `head` of the list is the first comment.
function header.read(path)
  local entries, text = {}, read(path)
  local at = 1
  while true do
    local from, to, comment = text:find("/%*(.-)%*/", at)
    if not from then return entries end
    entries.head = entries.head or plain(comment)
    local rest = text:sub(to + 1)
    entries[#entries + 1] = entry_of(comment, rest:match("^(.-)/%*") or rest, rest) or nil
    at = to + 1
  end
end

return header
