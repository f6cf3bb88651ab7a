--- check_html.lua DIRECTORY: does every link in these pages lead somewhere, and is every public name among them?
local public = require "tools.public"

local ROOT = arg[1]
local complaints = 0

local function complain(...)
  complaints = complaints + 1
  print(string.format(...))
end

local function each_page(f)
  local pipe = assert(io.popen("cd " .. ROOT .. " && find . -name '*.html' | sort"))
  for path in pipe:lines() do f((path:gsub("^%./", ""))) end
  pipe:close()
end

local function unescaped(text)
  return (text:gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&amp;", "&"):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

-- path -> { text =, anchors = }
local function read_pages()
  local pages = {}
  each_page(function(path)
    local file = assert(io.open(ROOT .. "/" .. path))
    local page = { text = file:read("a"), anchors = {} }
    file:close()
    for name in page.text:gmatch('name *= *"([^"]*)"') do page.anchors[name] = true end
    for name in page.text:gmatch(' id *= *"([^"]*)"') do page.anchors[name] = true end
    pages[path] = page
  end)
  return pages
end

local function exists(path)
  local file = io.open(ROOT .. "/" .. path)
  if file then file:close() end
  return file ~= nil
end

local function joined(from, target)
  local path = (from:match("^(.*/)") or "") .. target
  return (path:gsub("[^/]+/%.%./", ""):gsub("^%./", ""))
end

local function check_link(pages, from, link)
  local target, anchor = link:match("^([^#]*)#?(.*)$")
  local path = target == "" and from or joined(from, target)
  if not pages[path] and not exists(path) then
    complain("%s: no page for the link %s", from, link)
  elseif anchor ~= "" and pages[path] and not pages[path].anchors[anchor] then
    complain("%s: no place for the link %s", from, link)
  end
end

local pages = read_pages()
for path, page in pairs(pages) do
  for link in page.text:gmatch('href *= *"([^"]*)"') do
    if not link:find("^%a+:") then check_link(pages, path, unescaped(link)) end
  end
end
for name in pairs(public.own_names()) do
  local anchor = name:gsub("^weir%.", "")
  if not pages["modules/weir.html"].anchors[anchor] then complain("modules/weir.html lacks %s", name) end
end
print(("docs: %s/index.html"):format(ROOT))
os.exit(complaints == 0, true)
