--- check_meta.lua [write]: do the module, docs/reference.md and lua/weir/meta.lua have the same names, do the
-- annotations fit, are the descriptions those of the reference? `write` puts these into meta.lua.
local markdown = require "tools.markdown"
local meta = require "tools.meta"
local public = require "tools.public"

local META, REFERENCE = "lua/weir/meta.lua", "docs/reference.md"
local WIDTH = 120

local complaints = {}
local function complain(...) complaints[#complaints + 1] = string.format(...) end

-- ---- descriptions ----

-- Of some classes there is a part of the reference, of the others it has the function that makes one.
local function heading_of(entry, headings)
  local kind = entry.name:match("^weir%.(%u%w*)$")
  if entry.kind ~= "class" or not kind then return entry.name end
  return headings[kind .. "s"] and kind .. "s" or entry.name
end

local function wrapped(block, lines)
  local line, indent = "", block:match("^%- ") and "  " or block:match("^%d+%. ") and "   " or ""
  for word in block:gmatch("%S+") do
    if #line + 1 + #word > WIDTH - 4 then
      lines[#lines + 1] = line
      line = indent .. word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
end

-- A list is wrapped item by item.
local function wrap_block(block, lines)
  if not block:find("^%- ") and not block:find("^%d+%. ") then return wrapped(block, lines) end
  local mark = block:find("^%- ") and "\n%- " or "\n%d+%. "
  while true do
    local at = block:find(mark)
    wrapped(at and block:sub(1, at - 1) or block, lines)
    if not at then return end
    block = block:sub(at + 1)
  end
end

-- The lines that meta.lua should have for an entry.
local function description(entry, headings)
  local lines = {}
  for i, block in ipairs(headings[heading_of(entry, headings)] or {}) do
    if i > 1 then lines[#lines + 1] = "" end
    wrap_block(markdown.without_links(block), lines)
  end
  return lines
end

local function is_described(entry)
  return entry.kind == "function" or entry.kind == "field" or entry.kind == "class"
end

local function check_descriptions(entries, headings)
  for _, entry in ipairs(entries) do
    if is_described(entry) and table.concat(entry.text, "\n") ~= table.concat(description(entry, headings), "\n") then
      complain("%s:%d: %s is not described as in %s: make meta", META, entry.first, entry.name, REFERENCE)
    end
  end
end

local function write(entries, headings)
  local old, new, at = {}, {}, 1
  for line in io.lines(META) do old[#old + 1] = line end
  for _, entry in ipairs(entries) do
    if is_described(entry) then
      table.move(old, at, entry.first - 1, #new + 1, new)
      for _, line in ipairs(description(entry, headings)) do new[#new + 1] = line == "" and "---" or "--- " .. line end
      at = entry.first + #entry.text
    end
  end
  table.move(old, at, #old, #new + 1, new)
  local file = assert(io.open(META, "w"))
  file:write(table.concat(new, "\n"), "\n")
  file:close()
end

-- ---- names ----

local function compare(wanted, there, what, where)
  for name in pairs(wanted) do
    if not there[name] then complain("%s lacks %s %s", where, what, name) end
  end
  for name in pairs(there) do
    if not wanted[name] then complain("%s has %s %s, which does not exist", where, what, name) end
  end
end

local function declared_names(entries)
  local names = {}
  for _, entry in ipairs(entries) do
    if entry.kind == "function" or entry.kind == "field" then
      if names[entry.name] then complain("%s:%d: %s is there twice", META, entry.first, entry.name) end
      names[entry.name] = true
    end
  end
  return names
end

-- Headings like `weir.await` and `d:callback`.
local function headed_names(headings)
  local names = {}
  for heading in pairs(headings) do
    if heading:find("^weir%.[%w_]+$") or heading:find("^%l+:[%w_]+$") then names[heading] = true end
  end
  return names
end

-- The rows of the table of error objects.
local function tabled_errors()
  local names = {}
  markdown.scan(REFERENCE, function(line)
    local name = line:match('^| `"(%u%w*Error)"` |')
    if name then names[name] = true end
  end, function() end)
  return names
end

-- ---- errors ----

local function fields_of(entry, classes)
  local fields = {}
  for _, tag in ipairs(meta.tags(entry, "field")) do fields[tag[1]:match("^[%w_]+")] = true end
  local base = entry.tags[1]:match(": *([%w_.]+)$")
  for name in pairs(base and fields_of(classes[base], classes) or {}) do fields[name] = true end
  return fields
end

local function check_errors(classes)
  local there, tabled, annotated = {}, tabled_errors(), {}
  for name, fields in pairs(public.errors()) do
    there[name] = true
    local class = classes["weir." .. name]
    if class then compare(fields, fields_of(class, classes), name .. "'s field", META) end
  end
  for name in pairs(classes) do
    local error_name = name:match("^weir%.(%u%w+Error)$")
    if error_name then annotated[error_name] = true end
  end
  compare(there, annotated, "the error", META)
  compare(there, tabled, "the error", REFERENCE)
  compare(public.error_names(), there, "the error", "tools/public.lua")
end

-- ---- annotations ----

local BUILT_IN = {}
for name in ("any nil boolean string number integer function table thread userdata fun async self"):gmatch("%a+") do
  BUILT_IN[name] = true
end

local function generics_of(entry)
  local names = {}
  for _, tag in ipairs(entry.tags) do
    for name in (tag:match("^@generic (.*)$") or ""):gmatch("(%u%w*)") do names[name] = true end
  end
  return names
end

-- The names of types in the text of one; not those of the parameters of functions.
local function check_type(text, entry, classes)
  local generics = generics_of(entry)
  for name in text:gsub('"[^"]*"', ""):gsub("[%w_]+%?? ?:", ""):gmatch("[%a_][%w_.]*") do
    local last = name:gsub("%.+$", "")
    if last ~= "" and not (BUILT_IN[last] or classes[last] or generics[last]) then
      complain("%s:%d: no type %s", META, entry.first, last)
    end
  end
end

local function check_parameters(entry)
  local annotated = {}
  for i, tag in ipairs(meta.tags(entry, "param")) do annotated[i] = tag[1]:gsub("%?$", "") end
  if table.concat(annotated, ", ") ~= table.concat(entry.parameters, ", ") then
    complain("%s:%d: the parameters of %s are (%s), annotated are (%s)", META, entry.first, entry.name,
      table.concat(entry.parameters, ", "), table.concat(annotated, ", "))
  end
end

local function without_comment(text) return (text:gsub("%s*#.*$", "")) end

local function check_types(entry, classes)
  for _, tag in ipairs(meta.tags(entry, "param")) do check_type(without_comment(tag[2]), entry, classes) end
  for _, tag in ipairs(meta.tags(entry, "field")) do check_type(without_comment(tag[2]), entry, classes) end
  for _, tag in ipairs(entry.tags) do
    local text = tag:match("^@return (%S+)%s*[%w_.]*$") or tag:match("^@return (.*)$") or tag:match("^@type (.*)$")
    if text then check_type(without_comment(text), entry, classes) end
  end
end

local function check_annotations(entries, classes)
  for _, entry in ipairs(entries) do
    if entry.kind == "function" then check_parameters(entry) end
    check_types(entry, classes)
  end
end

local function classes_of(entries)
  local classes = {}
  for _, entry in ipairs(entries) do
    if entry.kind == "class" or entry.kind == "alias" then classes[entry.name] = entry end
  end
  return classes
end

-- ---- both ways ----

local headings, entries = markdown.descriptions(REFERENCE), meta.read(META)
if arg[1] == "write" then
  write(entries, headings)
  os.exit(true, true)
end

local classes, names = classes_of(entries), public.own_names()
compare(names, declared_names(entries), "the name", META)
compare(names, headed_names(headings), "a heading", REFERENCE)
check_errors(classes)
check_annotations(entries, classes)
check_descriptions(entries, headings)
table.sort(complaints)
for _, line in ipairs(complaints) do print(line) end
os.exit(#complaints == 0, true)
