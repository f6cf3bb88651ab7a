--- Traces of weir.trace, read and checked.
local json = require "dkjson" -- busted stands on it
local weir = require "weir"

local trace = {}

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

--- The events in a text, which must be JSON. dkjson does not miss a comma.
function trace.parse(text)
  assert(not text:find '[^,{%s]"[%w_]+":', "no comma before a key")
  local events, _, err = json.decode(text)
  return assert(events, err)
end

-- ---- checks ----

-- Those of one phase, by their numbers or times.
local function by(key, events, phase)
  local map = {}
  for _, event in ipairs(events) do
    if event.ph == phase then
      assert(map[event[key]] == nil, "two of one " .. key)
      map[event[key]] = event
    end
  end
  return map
end

local function ends(slice) return slice.ts + slice.dur end

-- On a track one slice is inside of another, or outside.
local function check_nesting(slices)
  local open = {} -- track -> stack of slices
  for _, slice in ipairs(slices) do
    local stack = open[slice.tid] or {}
    open[slice.tid] = stack
    while #stack > 0 and ends(stack[#stack]) < slice.ts do stack[#stack] = nil end
    assert(#stack == 0 or ends(slice) < ends(stack[#stack]), "slices overlap")
    stack[#stack + 1] = slice
  end
end

local function is_inside(event, slices)
  for _, slice in ipairs(slices) do
    if slice.tid == event.tid and slice.ts < event.ts and event.ts < ends(slice) then return true end
  end
  return false
end

local function in_order(events)
  local list = {}
  for _, event in ipairs(events) do
    if event.ph ~= "M" and event.ph ~= "f" then list[#list + 1] = event end
  end
  table.sort(list, function(a, b) return a.ts < b.ts end)
  return list
end

-- Each begins inside a slice, and ends in no more than one: with that slice, behind its beginning.
local function check_flows(events, slices)
  local begins, starts = by("id", events, "s"), by("ts", events, "X")
  for _, event in pairs(begins) do assert(is_inside(event, slices), "a flow begins outside of all slices") end
  for id, event in pairs(by("id", events, "f")) do
    assert(begins[id] and begins[id].ts < event.ts, "a flow ends that has not begun")
    assert(starts[event.ts] and starts[event.ts].tid == event.tid, "a flow ends with no slice")
  end
end

--- Is this a trace? Returns all that has a time, in that order.
function trace.check(events)
  local list, slices = in_order(events), {}
  for i = 2, #list do assert(list[i - 1].ts < list[i].ts, "two events at one time") end
  for _, event in ipairs(list) do
    assert(event.pid == 1 and math.type(event.tid) == "integer" and event.dur ~= 0)
    if event.ph == "X" then slices[#slices + 1] = event end
  end
  check_nesting(slices)
  check_flows(events, slices)
  return list
end

-- ---- making ----

--- Traces what f does into a file, and returns the events, checked.
function trace.of(f)
  local path = os.tmpname()
  weir.trace(path)
  f()
  weir.trace()
  return trace.read(path)
end

--- The events in a file, which goes.
function trace.read(path)
  local events = trace.parse(read(path))
  os.remove(path)
  trace.check(events)
  return events
end

--- The text of a file, which goes.
function trace.text(path)
  local text = read(path)
  os.remove(path)
  return text
end

-- ---- telling ----

--- Track -> its name, the last if there are several.
function trace.names(events)
  local names = {}
  for _, event in ipairs(events) do
    if event.name == "thread_name" then names[event.tid] = event.args.name end
  end
  return names
end

local function arguments(args)
  local list = {}
  for key, value in pairs(args or {}) do list[#list + 1] = ("%s=%s"):format(key, value) end
  table.sort(list)
  return #list > 0 and " " .. table.concat(list, " ") or ""
end

--- All that happened, in order, each as "track: event", and a slice as "track [" and "track ]".
function trace.story(events)
  local names, marks = trace.names(events), {}
  for _, event in ipairs(trace.check(events)) do
    local who = names[event.tid] or "?"
    if event.ph == "X" then
      local what = event.name ~= who and " " .. event.name or ""
      marks[#marks + 1] = { event.ts, who .. " [" .. what }
      marks[#marks + 1] = { ends(event), who .. " ]" .. what }
    elseif event.ph == "i" then
      local text = ("%s: %s%s"):format(who, event.name, arguments(event.args))
      marks[#marks + 1] = { event.ts, (text:gsub("0x%x+", "ADDRESS")) }
    end
  end
  table.sort(marks, function(a, b) return a[1] < b[1] end)
  for i, mark in ipairs(marks) do marks[i] = mark[2] end
  return marks
end

--- What made whom run: "track > track", in the order of the causes.
function trace.flows(events)
  local names, ended, list = trace.names(events), by("id", events, "f"), {}
  for _, event in ipairs(trace.check(events)) do
    if event.ph == "s" then
      local to = ended[event.id]
      list[#list + 1] = ("%s > %s"):format(names[event.tid], to and names[to.tid] or "nothing")
    end
  end
  return list
end

return trace
