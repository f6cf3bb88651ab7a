--- Who waits on whom, as a picture for Graphviz.
local core = require "weir.core".functions
local options_of = require "weir.look.options"
local walk = require "weir.look.walk"
local words = require "weir.look.words"

local COLOURS = {
  running = "palegreen", calling = "palegreen", ready = "palegreen", new = "palegreen",
  waiting = "lightblue", paused = "khaki", closing = "lightpink",
}

local EDGES = {
  awaits = {}, part = { label = true }, owns = { label = true, style = "bold" }, adopts = { label = true },
  chained = { label = true, arrowhead = "empty" }, shields = { label = true, style = "dashed" },
}

-- \n is to stay the two characters that words.plain has made of it, not a new line.
local function quoted(text)
  return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end

local function label_of(d)
  return words.label(core.look(d))
end

local function label(facts)
  local lines = { words.label(facts), words.details(facts, label_of) }
  if facts.at then lines[#lines + 1] = words.plain(facts.at) end
  for i, line in ipairs(lines) do lines[i] = quoted(line):sub(2, -2) end
  return '"' .. table.concat(lines, "\\n") .. '"'
end

local function node(line)
  local facts = line.facts
  local shape = facts.state and "box" or facts.due and "oval" or "ellipse"
  local colour = facts.held and COLOURS.paused or COLOURS[facts.state] or facts.due and "lightyellow" or "white"
  return ("  n%d [label=%s, shape=%s, fillcolor=%s];"):format(line.id, label(facts), shape, colour)
end

local function edge(line, to)
  local kind, list = EDGES[line.how], {}
  local text = line.how .. (line.key and " " .. words.plain(tostring(line.key)) or "")
  if kind.label then list[1] = "label=" .. quoted(text) end
  if kind.style then list[#list + 1] = "style=" .. kind.style end
  if kind.arrowhead then list[#list + 1] = "arrowhead=" .. kind.arrowhead end
  if line.circle then list[#list + 1] = "color=red" end
  return ("  n%d -> n%d%s;"):format(line.parent.id, to.id, list[1] and " [" .. table.concat(list, ", ") .. "]" or "")
end

local function render(result)
  local texts = { "digraph weir {", '  node [style=filled, fontname="sans-serif"];', '  edge [fontname="sans-serif"];' }
  for id, line in ipairs(result.lines) do
    line.id = id
    if line.facts then texts[#texts + 1] = node(line) end
    if line.parent then texts[#texts + 1] = edge(line, line.see or line) end
  end
  if result.more > 0 then
    texts[#texts + 1] = ("  more [label=%s, shape=plaintext, fillcolor=white];"):format(quoted(result.more .. " more"))
  end
  texts[#texts + 1] = "}\n"
  return table.concat(texts, "\n")
end

--- @param options as of weir.tree
return function(options)
  local most, root = options_of(options, "graph")
  return render(walk(most, root))
end
