--- docs.lua DIRECTORY: writes what ldoc makes pages of. The text comes from where it is written: lua/weir/meta.lua,
--- which has it from docs/reference.md; the comments in lua/weir; src/weir.h; docs and README.md.
local header = require "tools.header"
local markdown = require "tools.markdown"
local meta = require "tools.meta"

local TO = arg[1]
local REFERENCE = "reference.md"

local function list_files(pattern)
  local list, pipe = {}, assert(io.popen("ls " .. pattern))
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

local function write(name, lines)
  local file = assert(io.open(TO .. "/" .. name, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
end

-- ---- comments for ldoc ----

-- Its tags begin with this.
local function escaped(text) return (text:gsub("@", "@@")) end

local function add_comment(out, text, tags)
  for line in (text .. "\n"):gmatch("(.-)\n") do
    local mark = #out > 0 and out[#out]:find("^%-%-") and "-- " or "--- "
    out[#out + 1] = ((mark .. escaped(line)):gsub("%s+$", ""))
  end
  for _, tag in ipairs(tags) do out[#out + 1] = "-- " .. tag end
  out[#out + 1] = ""
end

local function section_tag(name) return "@section " .. name:gsub("%W+", "_") end

-- ---- Lua ----

local function code(text) return text ~= "" and "`" .. text .. "`" or "" end

-- Types as code, what stands behind `#` as text.
local function typed(text)
  local type_, comment = text:match("^(.-)%s*#%s*(.*)$")
  return type_ and code(type_) .. ", " .. comment or code(text)
end

local function tags_of_function(entry, name)
  local tags = { "@function " .. name }
  for _, tag in ipairs(meta.tags(entry, "param")) do
    local name_of_it, optional = tag[1]:gsub("%?$", "")
    tags[#tags + 1] = ("@param%s %s %s"):format(optional > 0 and "[opt]" or "", name_of_it, typed(tag[2]))
  end
  for _, tag in ipairs(entry.tags) do
    local returned = tag:match("^@return (.*)$")
    if returned then tags[#tags + 1] = "@return " .. typed(returned) end
  end
  return tags
end

local function tags_of_table(entry)
  local tags = { "@table " .. entry.name:gsub("^weir%.", "") }
  for _, tag in ipairs(meta.tags(entry, "field")) do
    tags[#tags + 1] = ("@field %s %s"):format(tag[1]:gsub("%?$", ""), typed(tag[2]))
  end
  for _, tag in ipairs(entry.tags) do
    local value, comment = tag:match("^| (%S+)%s*#?%s*(.*)$")
    if value then tags[#tags + 1] = ("@field %s %s"):format(value:gsub('"', ""), comment) end
  end
  return tags
end

local headings = markdown.headings("docs/" .. REFERENCE)

local function in_reference(heading)
  return ("\n\n[More in the reference](../topics/%s.html#%s)"):format(REFERENCE, headings[heading])
end

local function add_function(out, entry)
  add_comment(out, table.concat(entry.text, "\n") .. in_reference(entry.name),
    tags_of_function(entry, (entry.name:gsub("^weir%.", ""))))
end

local function add_fields(out, entries)
  for _, entry in ipairs(entries) do
    if entry.kind == "field" then
      add_comment(out, table.concat(entry.text, "\n"), { "@field " .. entry.name:gsub("^weir%.", "") })
    end
  end
end

-- First the functions of the module under the headings of the reference, then the methods class by class.
local function add_functions(out, entries)
  local section
  for _, entry in ipairs(entries) do
    if entry.kind == "section" then
      section = entry.name
    elseif entry.kind == "function" and entry.name:find("^weir%.") then
      if section then add_comment(out, section, { section_tag(section) }) end
      section = nil
      add_function(out, entry)
    end
  end
end

local function add_methods(out, entries, class)
  add_comment(out, table.concat(class.text, "\n"), { "@type " .. class.name:gsub("^weir%.", "") })
  for _, entry in ipairs(entries) do
    if entry.kind == "function" and entry.name:find("^" .. class.variable .. ":") then add_function(out, entry) end
  end
end

local function is_class(entry)
  return entry.kind == "class" and entry.variable and entry.name ~= "weir"
end

local function is_table(entry)
  return (entry.kind == "class" or entry.kind == "alias") and not entry.variable
end

local function write_module()
  local entries, out = meta.read "lua/weir/meta.lua", {}
  add_comment(out, "Deferreds and coroutines that await them.", { "@module weir" })
  add_fields(out, entries)
  add_functions(out, entries)
  for _, entry in ipairs(entries) do
    if is_class(entry) then add_methods(out, entries, entry) end
  end
  add_comment(out, "Tables and errors", { section_tag "Tables" })
  for _, entry in ipairs(entries) do
    if is_table(entry) then add_comment(out, table.concat(entry.text, "\n"), tags_of_table(entry)) end
  end
  write("weir.lua", out)
end

-- A function without a name is what the module returns.
local function write_inside(path)
  local name = path:match("([%w_]+)%.lua$")
  local entries, out = meta.read(path), {}
  add_comment(out, table.concat(entries.head or {}, "\n"), { "@inside " .. "weir." .. name })
  for _, entry in ipairs(entries) do
    if entry.kind == "function" then
      local tags = { "@function " .. (entry.name ~= "" and entry.name or name) }
      for i, parameter in ipairs(entry.parameters) do tags[i + 1] = "@param " .. parameter end
      local text = table.concat(entry.text, "\n") .. "\n\n"
      for _, tag in ipairs(entry.tags) do text = text .. tag:gsub("^@(%a+) ?", "*%1* ") .. "  \n" end
      add_comment(out, text, tags)
    end
  end
  write("inside_" .. name .. ".lua", out)
end

-- ---- C ----

local function tags_of_c(entry)
  local tags = { "@function " .. entry.name }
  for _, parameter in ipairs(entry.parameters) do
    tags[#tags + 1] = ("@param %s %s"):format(parameter[1], code(parameter[2]))
  end
  return tags
end

local function add_c(out, entry)
  if entry.kind == "section" then
    add_comment(out, entry.name, { section_tag(entry.name) })
  elseif entry.kind == "function" then
    add_comment(out, entry.text, tags_of_c(entry))
  end
end

local function add_enums(out, entries)
  for _, entry in ipairs(entries) do
    if entry.kind == "enum" then
      local tags = { "@table " .. entry.enumerators[1][1] }
      for i, pair in ipairs(entry.enumerators) do tags[i + 1] = ("@field %s %s"):format(pair[1], pair[2]) end
      add_comment(out, entry.text, tags)
    end
  end
end

local function write_header()
  local entries, out = header.read "src/weir.h", {}
  add_comment(out, entries.head, { "@module weir.h" })
  for _, entry in ipairs(entries) do add_c(out, entry) end
  add_comment(out, "Values", { section_tag "Values" })
  add_enums(out, entries)
  write("weir_h.lua", out)
end

-- ---- pages ----

-- Where the page of a document stands, seen from another one of these pages.
local function page_of(target)
  local name = target:match("([^/]+%.md)$")
  return name and name .. ".html"
end

-- A link to a document leads to its page; one to another file of the project has no page and becomes text. Pictures are
-- beside the pages.
local function relinked(line)
  return (line:gsub("(!?)%[([^%]]+)%]%(([^)]+)%)", function(is_picture, text, target)
    local file, anchor = target:match("^([^#]*)(#?.*)$")
    if is_picture == "!" or target:find("^%a+://") or file == "" then return nil end
    local page = page_of(file)
    return page and ("[%s](%s%s)"):format(text, page, anchor) or text
  end))
end

-- Anchors as the usual renderers make them of headings.
local function with_anchor(line, anchors)
  local heading = markdown.heading(line)
  return heading and ('<a name="%s"></a>\n\n%s'):format(anchors(heading), line) or relinked(line)
end

local function write_page(path)
  local out, anchors, in_code = {}, markdown.anchors(), false
  for line in io.lines(path) do
    local is_fence = line:find("^```")
    if is_fence then in_code = not in_code end
    out[#out + 1] = (in_code or is_fence) and line or with_anchor(line, anchors)
  end
  write(path:match("([^/]+)$"), out)
end

-- The pages, in the order in which a reader comes to them.
local PAGES = "README.md docs/guide.md docs/cookbook.md docs/reference.md docs/busted.md docs/*.md " ..
  "CONTRIBUTING.md SECURITY.md CHANGELOG.md"

local function pages()
  local list, seen = {}, {}
  for _, path in ipairs(list_files("-U " .. PAGES)) do
    if not seen[path] then list[#list + 1] = path end
    seen[path] = true
  end
  return list
end

-- What ldoc is told; the pages are its topics.
local function write_config()
  local out, names = {}, {}
  for line in io.lines "tools/config.ld" do out[#out + 1] = line end
  for i, path in ipairs(pages()) do names[i] = ("%q"):format(path:match("([^/]+)$")) end
  out[#out + 1] = "topics = { " .. table.concat(names, ", ") .. " }"
  write("config.ld", out)
end

-- ---- all of it ----

write_module()
write_header()
for _, path in ipairs(list_files "lua/weir/*.lua") do
  if not path:find("meta%.lua$") then write_inside(path) end
end
for _, path in ipairs(pages()) do write_page(path) end
write_config()
