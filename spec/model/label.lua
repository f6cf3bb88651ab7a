-- Names for what programs see, the same for the module and for the model; a trace of them.
local label = {}

-- Errors in the order first seen: the same number is the same object.
local function number(seen, err)
  if not seen[err] then
    seen.n = (seen.n or 0) + 1
    seen[err] = seen.n
  end
  return seen[err]
end

local function of_error(seen, err)
  local reason = err.reason ~= nil and "(" .. label.of(seen, err.reason) .. ")" or ""
  if err.name == "CancelledError" then return "cancel" .. number(seen, err) .. reason end
  if err.name == "TimeoutError" then return "timeout" .. number(seen, err) end
  return err.name
end

-- Values and errors of programs are short strings; any other string is a message of weir's or Lua's.
local function of_string(s)
  return #s <= 20 and s or "wrong"
end

--- `seen` is a table for each run.
function label.of(seen, x)
  if type(x) == "string" then return of_string(x) end
  if type(x) == "number" then return ("%g"):format(x) end
  if type(x) == "table" and x.name then return of_error(seen, x) end
  if type(x) == "table" or type(x) == "userdata" then return "deferred" end
  return tostring(x)
end

local Trace = {}

--- Logs values under a name.
function Trace:__call(name, ...)
  local labels = table.pack(...)
  for i = 1, labels.n do
    labels[i] = label.of(self.seen, labels[i])
  end
  table.insert(self.list, name .. ": " .. table.concat(labels, " "))
end

--- A log: t(name, ...) appends, t.list is what was appended.
function label.trace()
  return setmetatable({ seen = {}, list = {} }, Trace)
end

return label
