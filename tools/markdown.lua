--- Reading Markdown as far as our documents go: fences, headings, blocks.
local markdown = {}

--- Calls prose(line, number) outside of fences and code(line, language, number) inside of them.
function markdown.scan(path, prose, code)
  local language
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    local fence = line:match("^```(%w*)")
    if fence then
      language = not language and fence or nil
    elseif language then
      code(line, language, number)
    else
      prose(line, number)
    end
  end
  assert(not language, path .. ": a fence is left open")
end

--- The text of a heading; nil if the line is none.
function markdown.heading(line)
  local text = line:match("^#+%s+(.-)%s*$")
  return text and text:gsub("`", "") or nil
end

-- As the usual renderers make an anchor of a heading.
local function slug_of(heading)
  return (heading:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-"))
end

--- Returns a function that makes the anchors of one document, heading by heading.
function markdown.anchors()
  local count = {}
  return function(heading)
    local slug = slug_of(heading)
    local n = count[slug] or 0
    count[slug] = n + 1
    return n > 0 and slug .. "-" .. n or slug
  end
end

--- The headings of a document -> their anchors.
function markdown.headings(path)
  local headings, anchor = {}, markdown.anchors()
  markdown.scan(path, function(line)
    local heading = markdown.heading(line)
    if heading then headings[heading] = anchor(heading) end
  end, function() end)
  return headings
end

--- Text with the links taken out of it.
function markdown.without_links(text)
  return (text:gsub("%[([^%]]+)%]%([^)]+%)", "%1"))
end

local function is_list(block)
  return block:find("^%- ") or block:find("^%d+%. ")
end

local function is_example_or_table(block)
  return block == "" or block:find("^|")
end

-- heading -> its blocks, the lines of each joined; an example is an empty one.
local function sections_of(path)
  local sections, blocks, lines, in_code = {}, {}, {}, false
  local function finish()
    if #lines > 0 then blocks[#blocks + 1] = table.concat(lines, "\n") end
    lines = {}
  end
  markdown.scan(path, function(line)
    in_code = false
    local heading = markdown.heading(line)
    if heading or line == "" then
      finish()
    else
      lines[#lines + 1] = line
    end
    if heading then
      blocks = {}
      sections[heading] = blocks
    end
  end, function()
    if in_code then return end
    in_code = true
    finish()
    blocks[#blocks + 1] = ""
  end)
  finish()
  return sections
end

-- What stands before the first example or table; not the list of ways to call it.
local function description_of(blocks)
  local list = {}
  for _, block in ipairs(blocks) do
    if is_example_or_table(block) then break end
    if not (#list == 0 and is_list(block)) then list[#list + 1] = block end
  end
  return list
end

--- What a document says first of each heading: heading -> list of blocks.
function markdown.descriptions(path)
  local descriptions = {}
  for heading, blocks in pairs(sections_of(path)) do descriptions[heading] = description_of(blocks) end
  return descriptions
end

return markdown
