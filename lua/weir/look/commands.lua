--- What can be asked and done by a line of text, for consoles.
local core = require "weir.core".functions
local graph = require "weir.look.graph"
local tasks = require "weir.look.tasks"
local tree = require "weir.look.tree"
local words = require "weir.look.words"

-- Errors with this are answers; others are ours.
local function refuse(...)
  error({ answer = string.format(...) }, 0)
end

-- ---- which task ----

local function called(name)
  local list = {}
  for task in tasks() do
    if task.name == name then list[#list + 1] = task end
  end
  return list
end

local function numbered(number)
  for task in tasks() do
    if task.number == number then return task end
  end
end

local function find(text)
  if text == "" then refuse "which task? Its number or its name is missing" end
  local number = math.tointeger(text:match "^#?(%d+)$")
  local task = number and numbered(number)
  if task then return task end
  local list = called(text)
  if #list == 1 then return list[1] end
  if #list == 0 then refuse("no task %s", words.plain(text)) end
  for i, one in ipairs(list) do list[i] = "#" .. one.number end
  refuse("%d tasks have that name: %s", #list, table.concat(list, " "))
end

local function optional(text)
  return text ~= "" and { root = find(text).co } or nil
end

local function title(task)
  return ("#%d%s"):format(task.number, task.name and " " .. words.plain(task.name) or "")
end

-- ---- commands ----

local function list_tasks()
  local lines = {}
  for task in tasks() do
    lines[#lines + 1] = ("%s  %s  %s"):format(title(task), task.at and words.plain(task.at) or "?", task.co:why())
  end
  return lines[1] and table.concat(lines, "\n") or "no tasks"
end

-- Numbers alone: a console is read by people.
local function stats()
  local values, names, lines = core.stats(), {}, {}
  for name, value in pairs(values) do
    if math.type(value) then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do lines[i] = ("%s %s"):format(name, values[name]) end
  lines[#lines + 1] = ("memory %.0f KB"):format(collectgarbage "count")
  return table.concat(lines, "\n")
end

-- A number ends at the first space, a name at the end of the line: behind that no reason can be given.
local function cancel(text)
  local number, reason = text:match "^(#?%d+)%s+(.+)$"
  local task = find(number or text)
  local done = task.co:cancel(reason or "from the console")
  return ("%s %s"):format(title(task), done and "is cancelled" or "was cancelled before")
end

local function pause(text)
  local task = find(text)
  task.co:pause()
  return title(task) .. " is paused"
end

local function unpause(text)
  local task = find(text)
  local ok, err = pcall(task.co.unpause, task.co)
  if not ok then refuse("%s", err) end
  return ("%s: %s"):format(title(task), task.co:why())
end

local HELP = [[
tasks             all that live: number, name, place, why it does not run
tree [TASK]       who waits for whom
graph [TASK]      the same for Graphviz
why TASK          why it does not run
traceback TASK    its stack, and those of all that wait for it
pause TASK        hold it and all it waits for
unpause TASK
cancel TASK       stop it and all it waits for; behind a number the rest of the line is the reason
stats             counts, also of each state
help              this list
A TASK is a number, such as 12, or a name.]]

local COMMANDS = {
  tasks = list_tasks,
  tree = function(text) return tree(optional(text)) end,
  graph = function(text) return graph(optional(text)) end,
  why = function(text) return find(text).co:why() end,
  traceback = function(text) return find(text).co:traceback() end,
  pause = pause,
  unpause = unpause,
  cancel = cancel,
  stats = stats,
  help = function() return HELP end,
}

local function answer(line)
  local name, argument = line:match "^%s*(%S*)%s*(.-)%s*$"
  if name == "" then return "" end
  if not COMMANDS[name] then refuse("no command %s; help lists them", words.plain(name)) end
  return COMMANDS[name](argument)
end

--- Does what a line says.
--- @return text that answers it
return function(line)
  local ok, text = pcall(answer, line)
  core.finish()
  if ok then return text end
  return type(text) == "table" and text.answer or "error: " .. tostring(text)
end
