--- Reads lua/weir/meta.lua and the other Lua sources: comments of three dashes, each with what it is about.
-- An entry has `name` (`weir.await`, `d:callback`, or the name of a class, alias or field), `kind`, `text` (the lines
-- before the first tag), `tags` (the lines from there on, without the dashes), for a function its `parameters`, for a
-- class the `variable` that its methods are written with. In between there are entries of the kind "section".
local meta = {}

local function names_in(list)
  local names = {}
  for name in list:gmatch("[%w_.]+") do names[#names + 1] = name end
  return names
end

-- What a line of code declares: kind, name, parameters.
local function declared(line)
  local name, parameters = line:match("function ([%w_.:]*)%((.-)%)")
  if name then return "function", name, names_in(parameters) end
  name = line:match("^([%w_]+%.[%w_]+) =")
  if name then return "field", name end
end

local function declared_by_tag(tags)
  for _, tag in ipairs(tags) do
    local kind, name = tag:match("^@(%a+) ([%w_.]+)")
    if kind == "class" or kind == "alias" then return kind, name end
  end
end

local function entry_of(comment, line)
  local entry = { text = {}, tags = {}, first = comment.first }
  for _, text in ipairs(comment) do
    local list = (text:find("^[@|]") or #entry.tags > 0) and entry.tags or entry.text
    list[#list + 1] = text
  end
  entry.kind, entry.name = declared_by_tag(entry.tags)
  entry.variable = line:match("^local (%w+) =")
  if not entry.kind then entry.kind, entry.name, entry.parameters = declared(line) end
  return entry.kind and entry
end

-- A comment goes on in lines of two dashes.
local function comment_in(line, comment)
  return line:match("^ *%-%-%- ?(.*)$") or (#comment > 0 and line:match("^ *%-%- ?(.*)$"))
end

local function finish(entries, comment, line)
  local section = line:match("^%-%- %-%-%-%- (.+) %-%-%-%-$")
  local entry = section and { kind = "section", name = section, text = {}, tags = {} }
  if #comment > 0 then entry = entry_of(comment, line) end
  entries[#entries + 1] = entry or nil
  if comment.first == 1 and not entry then entries.head = comment end
end

--- The entries of a file, in order, each with the number of its `first` line. `head` of the list is the comment at the
--- beginning of the file.
function meta.read(path)
  local entries, comment, number = {}, { first = 1 }, 0
  for line in io.lines(path) do
    number = number + 1
    local text = comment_in(line, comment)
    if text then
      comment[#comment + 1] = text
    else
      finish(entries, comment, line)
      comment = { first = number + 1 }
    end
  end
  return entries
end

--- The tags of one kind, as pairs of what stands first in them and the rest.
function meta.tags(entry, kind)
  local list = {}
  for _, tag in ipairs(entry.tags) do
    local first, rest = tag:match("^@" .. kind .. " +([^%s]+)%s*(.*)$")
    if first then list[#list + 1] = { first, rest } end
  end
  return list
end

return meta
