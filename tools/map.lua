--- map.lua [write]: is the map in CONTRIBUTING.md that of the files there are? `write` makes it so.
-- The text of a row is the first sentence of the file's first comment, of a C file that of its header.
local PAGE = "CONTRIBUTING.md"
local BEGIN, END = "<!-- map: `make map` writes this -->", "<!-- end of the map -->"

local function lines_of(command)
  local list, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local function comment_in_c(text)
  local comment = text:match("^/%*(.-)%*/")
  return comment and comment:gsub("\n%s*%*%*?", "\n")
end

-- Of lines of two or three dashes or of one hash, at the top.
local function comment_in_lines(text)
  local lines = {}
  for line in text:gmatch("[^\n]*\n") do
    local comment = line:match("^%-%-+ (.*)") or line:match("^# (.*)")
    if not comment and #lines > 0 then break end
    lines[#lines + 1] = comment
  end
  return table.concat(lines, " ")
end

local function first_sentence(comment)
  local text = comment:gsub("%s+", " "):gsub("^ ", ""):gsub("|", "\\|") .. " "
  return (text:match("^(.-[.?!]) ") or text):gsub("%s+$", "")
end

local function sentence_of(path)
  local text = read(path)
  local comment = path:find("%.[ch]$") and comment_in_c(text) or comment_in_lines(text)
  return comment and comment ~= "" and first_sentence(comment) or nil
end

-- The header that a C file belongs to: its own, or that of the files whose names begin alike.
local function header_of(path, headers)
  local own = path:gsub("%.c$", ".h")
  local shared = path:gsub("_%w+%.c$", ".h")
  return headers[own] and own or headers[shared] and shared or nil
end

-- Name in the table -> text. The C files of a header are in its row.
local function rows_of_sources()
  local headers, rows = {}, {}
  for _, path in ipairs(lines_of "ls src/*.h") do headers[path] = { path:match("([^/]+)$") } end
  for _, path in ipairs(lines_of "ls src/*.c") do
    local header = header_of(path, headers)
    local name = path:match("([^/]+)$")
    if header then
      table.insert(headers[header], name)
    else
      rows[#rows + 1] = { name, sentence_of(path) or "" }
    end
  end
  for path, names in pairs(headers) do rows[#rows + 1] = { table.concat(names, "`, `"), sentence_of(path) or "" } end
  return rows
end

local function rows_of(pattern)
  local rows = {}
  for _, path in ipairs(lines_of("ls " .. pattern)) do
    rows[#rows + 1] = { path:match("([^/]+)$"), sentence_of(path) or "" }
  end
  return rows
end

local function add_table(out, title, rows)
  table.sort(rows, function(a, b) return a[1] < b[1] end)
  table.move({ "", "### " .. title, "", "| | |", "|---|---|" }, 1, 5, #out + 1, out)
  for _, row in ipairs(rows) do out[#out + 1] = ("| `%s` | %s |"):format(row[1], row[2]) end
end

local function map()
  local out = { BEGIN }
  add_table(out, "src", rows_of_sources())
  add_table(out, "lua/weir", rows_of "lua/weir/*.lua")
  add_table(out, "tools", rows_of "tools/*")
  out[#out + 1] = ""
  out[#out + 1] = END
  return table.concat(out, "\n")
end

local page = read(PAGE)
local from = assert(page:find(BEGIN, 1, true), "no place for the map in " .. PAGE)
local _, to = page:find(END, from, true)
local new = page:sub(1, from - 1) .. map() .. page:sub(to + 1)
if arg[1] == "write" then
  local file = assert(io.open(PAGE, "w"))
  file:write(new)
  file:close()
elseif new ~= page then
  print(PAGE .. ": the map is not that of the files: make map")
  os.exit(false, true)
end
