--- What busted is told of a part of a test that ran in a coroutine: an error with all that is to be said.
local busted = require "busted"

local MOST = 10 -- coroutines that a message lists

local verdict = {}

-- busted has classes of errors: "failure" of an assertion, "pending".
local function is_of(err, class)
  local meta = debug.getmetatable(err)
  return type(meta) == "table" and meta.__type == class
end

-- Frames of what checks, and of what runs us, say nothing.
local function is_noise(line)
  return line:find("luassert/", 1, true) or line:find("/busted/", 1, true) or line:find("weir/trial.lua", 1, true)
end

local function trimmed(traceback)
  local lines = {}
  for line in traceback:gmatch("[^\n]+") do
    if not is_noise(line) then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n")
end

local function own_stack(co)
  return (trimmed(co:traceback()):gsub("\nawaited by:.*", ""))
end

local function text_of(err)
  if type(err) == "string" then return err end
  local meta = debug.getmetatable(err)
  if type(meta) == "table" and meta.__tostring then return tostring(err) end
  return require "pl.pretty".write(err)
end

--- Where a function begins: file and line.
function verdict.place_of(f)
  local info = debug.getinfo(f, "S")
  return { info.short_src, info.linedefined }
end

-- The first place in a traceback that is Lua's.
local function place_in(traceback)
  local file, line = trimmed(traceback):match("\n\t([^\n\t%[]-):(%d+): in")
  return file and { file, tonumber(line) }
end

-- busted looks where an error is raised, and shows that: so there is a function which stands there.
local function raise_at(place, err)
  local lines = ("\n"):rep(place[2] - 1)
  load(lines .. "error((...), 0)", "@" .. place[1])(err)
end

local function raise_failure_at(place, text)
  local _, err = pcall(busted.fail, ("%s:%d: %s"):format(place[1], place[2], text), 0)
  raise_at(place, err)
end

--- What there is to say of a body that has not ended.
function verdict.of_late(outcome, limit)
  local why = outcome.timed_out and ("has not ended within %g seconds"):format(limit) or "can never end"
  return ("%s %s\n%s"):format(outcome.late, why, trimmed(outcome.traceback))
end

--- The same of failures that nobody has handled, as a list of texts.
function verdict.of_reports(reports)
  local texts = {}
  for i, report in ipairs(reports) do
    texts[i] = ("nobody handled: %s\n%s"):format(text_of(report.err), trimmed(report.traceback or ""))
  end
  return texts
end

--- The same of coroutines that a test has left.
function verdict.of_left(list, name)
  local texts = {}
  for i = 1, math.min(#list, MOST) do
    texts[i] = ("left behind by '%s': %s\n%s"):format(name, list[i], own_stack(list[i]))
  end
  if #list > MOST then texts[#texts + 1] = ("and %d more"):format(#list - MOST) end
  return texts
end

-- The error stays what it is to busted, with more in its message.
local function with_more(err, traceback, texts)
  local more = table.concat({ "", trimmed(traceback), table.unpack(texts) }, "\n")
  if is_of(err, "pending") then return err end
  if not is_of(err, "failure") then return text_of(err) .. more end
  if type(err.message) ~= "string" then return err end
  return setmetatable({ message = err.message .. more }, debug.getmetatable(err))
end

--- Raises what is to be raised: the error of the body with the traceback of its coroutine, and the other texts.
--- @param place where the body begins
function verdict.raise(outcome, texts, place)
  if not (outcome.ok or outcome.late) then
    raise_at(place_in(outcome.traceback) or place, with_more(outcome.err, outcome.traceback, texts))
  elseif #texts > 0 then
    raise_failure_at(place, table.concat(texts, "\n"))
  end
end

return verdict
