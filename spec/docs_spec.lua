-- The documentation: every example runs and prints what it says, every public name has a heading, every name that is
-- mentioned exists, every link leads somewhere.
local markdown = require "tools.markdown"
local process = require "spec.process"
local public = require "tools.public"

local README, REFERENCE = "README.md", "docs/reference.md"

-- Those at the top, and all of docs.
local function documents()
  local list = { README, "CONTRIBUTING.md" }
  local pipe = assert(io.popen("ls docs"))
  for name in pipe:lines() do
    if name:find("%.md$") then list[#list + 1] = "docs/" .. name end
  end
  pipe:close()
  return list
end

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

local function lines_in(text, pattern)
  local lines = {}
  for line in text:gmatch("([^\n]" .. (pattern or "*") .. ")\n") do lines[#lines + 1] = line end
  return lines
end

local function ignore() end

-- {file =, first = number of the first line, the lines ...} of every Lua example
local function examples(path)
  local list, last = {}, nil
  markdown.scan(path, ignore, function(line, language, number)
    if language ~= "lua" then return end
    local example = list[#list]
    if not example or number ~= last + 1 then
      example = { file = path, first = number }
      list[#list + 1] = example
    end
    example[#example + 1] = line
    last = number
  end)
  return list
end

-- ---- running ----

-- Their seconds are not to be waited for.
local ON_A_MANUAL_CLOCK = { ["docs/guide.md"] = true, ["docs/cookbook.md"] = true }

-- Empty lines before it make errors name the line of the document.
local function run(example)
  local head = 'io.stdout:setvbuf "no"; local weir = require "weir"' .. ("\n"):rep(example.first - 1)
  if ON_A_MANUAL_CLOCK[example.file] then head = 'require "spec.manual"; ' .. head end
  local output, ok = process.run(head .. table.concat(example, "\n") .. "\n")
  return lines_in(output), ok
end

-- The same of one that is a file of specs. A line without anything does not count.
local function run_specs(example)
  return lines_in(process.busted { table.concat(example, "\n") .. "\n" }, "+"), true
end

local function is_file_of_specs(example)
  return table.concat(example, "\n"):find('require("weir.busted")', 1, true) ~= nil
end

-- All that is printed, in order, stands behind `-->`.
local function promised(example)
  local list = {}
  for _, line in ipairs(example) do list[#list + 1] = line:match("%-%-> ?(.*)$") end
  return list
end

local function squeeze(line) return (line:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

-- `...` in a promise stands for anything: an address, a path.
local function keeps(line, promise)
  local pattern = squeeze(promise):gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".*")
  return line ~= nil and squeeze(line):find("^" .. pattern .. "$") ~= nil
end

local function assert_keeps(output, promises)
  local text = "printed:\n" .. table.concat(output, "\n")
  for i, promise in ipairs(promises) do
    assert(keeps(output[i], promise), ("line %d is not %q; %s"):format(i, promise, text))
  end
  assert(#output == #promises, ("%d lines are promised; %s"):format(#promises, text))
end

-- ---- headings and links ----

-- Two sets: headings, and their anchors.
local function headings(path)
  local anchors = {}
  local names = markdown.headings(path)
  for _, anchor in pairs(names) do anchors[anchor] = true end
  return names, anchors
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- Relative links are of three kinds: file, file#anchor, #anchor.
local function assert_leads(path, link)
  local target, anchor = link:match("^([^#]*)#?(.*)$")
  local file = target == "" and path or (path:match("^(.*/)") or "") .. target
  file = file:gsub("[^/]+/%.%./", "")
  assert(exists(file), ("%s: no file for the link %s"):format(path, link))
  if anchor ~= "" then
    local _, anchors = headings(file)
    assert(anchors[anchor], ("%s: no heading for the link %s"):format(path, link))
  end
end

-- ---- names ----

-- What begins as our names do and is none: files, and modules with a page of their own.
local function others()
  local names = { ["weir.h"] = true, ["weir.core"] = true }
  for _, path in ipairs(documents()) do
    local name = path:match("([%w_]+)%.md$")
    if exists("lua/weir/" .. name .. ".lua") then names["weir." .. name] = true end
  end
  return names
end

-- Calls f(name) for whatever looks like a name of ours.
local function each_mention(line, prefixes, f)
  for name in line:gmatch("weir%.[%a_]+") do f(name) end
  for prefix, name in line:gmatch("(%a+):([%a_]+)") do
    if prefixes[prefix] then f(prefix .. ":" .. name) end
  end
end

-- A link that is named like one of our names leads to the heading of that.
local function assert_names_its_heading(line, names)
  for text, anchor in line:gmatch("%[([^%]]+)%]%([^)#]*#([^)]+)%)") do
    assert(not names[text] or anchor:gsub("%-%d+$", "") == markdown.anchors()(text), "another's heading: " .. text)
  end
end

describe("docs", function()
  for _, path in ipairs(documents()) do
    for _, example in ipairs(examples(path)) do
      it(("the example at %s:%d prints what it says"):format(path, example.first), function()
        local output, ok = (is_file_of_specs(example) and run_specs or run)(example)
        assert_keeps(output, promised(example))
        assert.is_true(ok)
      end)
    end

    it("every link of " .. path .. " leads somewhere", function()
      local names = public.names()
      markdown.scan(path, function(line)
        for link in line:gmatch("%]%(([^)]+)%)") do
          if not link:find("^%a+://") then assert_leads(path, link) end
        end
        assert_names_its_heading(line, names)
      end, ignore)
    end)

    it("every name in " .. path .. " is public", function()
      local names, prefixes, known = public.names(), public.kinds(), others()
      markdown.scan(path, function(line)
        each_mention(line, prefixes, function(name) assert(names[name] or known[name], "no such thing: " .. name) end)
      end, ignore)
    end)
  end

  it("the reference has a heading for every public name, and README a link to it", function()
    local there, readme = headings(REFERENCE), table.concat(lines_of(README), "\n")
    for name in pairs(public.own_names()) do
      assert(there[name], "no heading: " .. name)
      assert(readme:find("[" .. name .. "](" .. REFERENCE .. "#", 1, true), "not in README: " .. name)
    end
  end)

  it("the reference has no heading for what does not exist", function()
    local names = public.own_names()
    for name in pairs((headings(REFERENCE))) do
      if name:find("^weir%.") or name:find("^%a+:%a") then assert(names[name], "no such thing: " .. name) end
    end
  end)
end)
