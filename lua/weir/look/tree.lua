--- Who waits on whom, as a text with a line for each.
local core = require "weir.core".functions
local options_of = require "weir.look.options"
local walk = require "weir.look.walk"
local words = require "weir.look.words"

local DEEPEST = 30 -- levels that are indented; further down the number of the level stands in front

local function indent(depth)
  if depth <= DEEPEST then return ("  "):rep(depth) end
  return ("  "):rep(DEEPEST) .. ("[%d] "):format(depth)
end

local function label_of(d)
  return words.label(core.look(d))
end

-- Numbers for the lines that others refer to.
local function numbered(lines)
  local n = 0
  for _, line in ipairs(lines) do
    if line.shared then
      n = n + 1
      line.number = n
    end
  end
end

local function relation(line)
  if not line.how then return "" end
  local key = line.key and " " .. words.plain(tostring(line.key)) or ""
  return line.how .. key .. ": "
end

local function node(line)
  local facts = line.facts
  local text = ("%s (%s)"):format(words.label(facts), words.details(facts, label_of))
  if facts.at then text = text .. " at " .. words.plain(facts.at) end
  return line.number and text .. (" #%d"):format(line.number) or text
end

local function reference(line)
  local text = ("%s, see #%d"):format(words.label(line.see.facts), line.see.number)
  return line.circle and text .. ": a circle" or text
end

local function render(lines)
  local texts = {}
  numbered(lines)
  for i, line in ipairs(lines) do
    texts[i] = indent(line.depth) .. relation(line) .. (line.see and reference(line) or node(line))
  end
  return texts
end

--- @param options `root`, a Deferred: only that and what it waits for; `lines`: at most so many
return function(options)
  local most, root = options_of(options, "tree")
  local result = walk(most, root)
  local texts = render(result.lines)
  if result.more > 0 then texts[#texts + 1] = ("... and %d more"):format(result.more) end
  return table.concat(texts, "\n")
end
