--- Who waits on whom, as a list of lines: from those on whom nobody waits down to what all wait for.
-- No function recurses, and what is beyond the last line is only counted.
local core = require "weir.core".functions

-- `most` lines are made. `shown` has each Deferred that was met -> its line, or true if there was no room for that.
-- What is still to be done stands on a stack of five values each: the Deferred, the line of who waits on it, how it
-- waits, the key of a part, and the depth; or the Deferred whose parts are done, and four times false.
local Walk = {}
Walk.__index = Walk

local ENTRY = 5

local function push(self, d, parent, how, key, depth)
  local stack, top = self.stack, self.top
  stack[top + 1], stack[top + 2], stack[top + 3], stack[top + 4], stack[top + 5] = d, parent, how, key, depth
  self.top = top + ENTRY
end

local function pop(self)
  local stack, top = self.stack, self.top
  self.top = top - ENTRY
  return table.unpack(stack, top - ENTRY + 1, top)
end

local function add_line(self, line)
  if #self.lines >= self.most then return false end
  self.lines[#self.lines + 1] = line
  return true
end

-- Again somewhere below itself it closes a circle.
local function meet_again(self, d, line)
  local first = self.shown[d]
  if first == true or not add_line(self, line) then return end
  line.see, line.circle = first, self.open[d]
  first.shared = true
end

-- In the order in which they are to be shown, so the last one first.
local function push_below(self, d, line, depth)
  local list = self.list
  for i = core.below(d, list), 1, -3 do
    push(self, list[i - 2], line, list[i - 1], list[i] or false, depth + 1)
  end
end

local function visit(self, d, line)
  if self.shown[d] then return meet_again(self, d, line) end
  if add_line(self, line) then
    line.facts = core.look(d)
    self.shown[d] = line
  else
    self.shown[d] = true
    self.more = self.more + 1
  end
  self.open[d] = true
  push(self, d, false, false, false, false)
  push_below(self, d, line, line.depth)
end

local function go_down(self, root)
  push(self, root, nil, nil, false, 0)
  while self.top > 0 do
    local d, parent, how, key, depth = pop(self)
    if depth then
      visit(self, d, { d = d, parent = parent, how = how, key = key or nil, depth = depth })
    else
      self.open[d] = nil
    end
  end
end

-- All on whom nobody waits, of `d` and those that wait on it, are put behind the roots.
local function go_up(self, d, roots)
  local seen, list, stack, top = self.above, self.list, { d }, 1
  while top > 0 do
    d, top = stack[top], top - 1
    if not seen[d] then
      seen[d] = true
      local n = core.above(d, list)
      if n == 0 then roots[#roots + 1] = d end
      for i = n, 1, -1 do
        top = top + 1
        stack[top] = list[i]
      end
    end
  end
end

-- In a circle somebody waits on everybody: the oldest stands for all.
local function go_everywhere(self)
  local live, roots = core.live(), {}
  for _, co in ipairs(live) do go_up(self, co, roots) end
  for _, root in ipairs(roots) do go_down(self, root) end
  for _, co in ipairs(live) do
    if not self.shown[co] then go_down(self, co) end
  end
end

local function walk(most, root)
  local self = setmetatable({ most = most, lines = {}, more = 0, shown = {}, open = {}, above = {}, list = {} }, Walk)
  self.stack, self.top = {}, 0
  if root then
    go_down(self, root)
  else
    go_everywhere(self)
  end
  return self
end

--- @param root where to begin; nil: with all that live
--- @return list of `lines`, and how many `more` there are. A line has the Deferred `d`, its `facts`, the line of its
--- `parent`, `how` that waits on it, the `key` of a part, the `depth`; `shared` if another line refers to it. That one
--- has no facts, but the line in `see`, and says whether it closes a `circle`.
return function(most, root)
  return core.quietly(walk, most, root)
end
