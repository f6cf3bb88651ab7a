--- Handles that tell of one thing after another, as loops that await each.
local check = require "weir.check"
local failure = require "weir.luv.failure"
local is_signal = require "weir.luv.signal"
local loop = require "weir.luv.loop"
local Queue = require "weir.queue"
local uv = require "weir.luv.uv"

local MOST = 64 -- kept for a loop that is slow; what comes then is lost

local events = {}

local function close(handles, queue)
  for _, handle in ipairs(handles) do loop.close(handle) end
  queue:close()
end

-- Items are lists of values. The fourth value of a `for` is closed at its end, whatever ends it.
local function values_of(queue, handles)
  local next_item = queue:iter()
  local function values()
    local item = next_item()
    if item then return table.unpack(item, 1, item.n) end
  end
  return values, nil, nil, setmetatable({}, { __close = function() close(handles, queue) end })
end

local function put_if_open(queue, ...)
  if not queue.closed then queue:put(table.pack(...)):cancel() end
end

local function put_in(queue)
  return loop.enter(function(...) loop.later(put_if_open, queue, ...) end)
end

-- Starts one more handle, which calls f. luv raises for some mistakes, and returns others.
local function start(handles, queue, handle, f, ...)
  handles[#handles + 1] = loop.own(handle)
  local arguments = table.pack(...)
  arguments[arguments.n + 1] = f
  local called, ok, message = pcall(handle.start, handle, table.unpack(arguments, 1, arguments.n + 1))
  if called and ok then return end
  close(handles, queue)
  error(called and failure(message) or ok, 0)
end

--- For a generic `for`: awaits each of the signals, by name.
function events.signals(...)
  local names, queue, handles = table.pack(...), Queue(MOST), {}
  check.that(names.n > 0, 1, "signals", "name of a signal expected")
  for i = 1, names.n do
    check.that(type(names[i]) == "string" and is_signal(names[i]), i, "signals", "name of a signal expected")
  end
  loop.join()
  for _, name in ipairs(names) do start(handles, queue, uv.new_signal(), put_in(queue), name) end
  return values_of(queue, handles)
end

--- For a generic `for`: awaits each change of a file or directory, as the name and "change" or "rename".
function events.watch(path)
  check.that(type(path) == "string", 1, "watch", "string expected")
  local queue, handles = Queue(MOST), {}
  loop.join()
  local put = put_in(queue)
  local function on_change(err, name, what) put(name, err or what.rename and "rename" or "change") end
  start(handles, queue, uv.new_fs_event(), on_change, path, {})
  return values_of(queue, handles)
end

return events
