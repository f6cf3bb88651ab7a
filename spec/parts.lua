-- Parts for the specs of what waits on several Deferreds: they trace what is done to them.
local weir = require "weir"
local h = require "spec.helper"

local parts = {}

--- Keys of every kind, in the order that counts: the list part, other numbers, strings.
parts.KEYS = { 1, 2, -2, 0, 0.5, 4, 10, "", "10", "9", "B", "a", "b" }

--- A table with f(key) under each of these keys; they come into it in another order.
function parts.mixed(f)
  local result = {}
  for i = #parts.KEYS, 1, -1 do result[parts.KEYS[i]] = f(parts.KEYS[i]) end
  return result
end

--- The error that d failed with.
function parts.failure(d) return h.raised(d.result, d) end

--- `prefix .. key` for each of the keys.
function parts.prefixed(prefix, keys)
  local result = {}
  for i, key in ipairs(keys) do result[i] = prefix .. key end
  return result
end

--- f(1) .. f(n) as a list.
function parts.list(n, f)
  local result = {}
  for i = 1, n do result[i] = f(i) end
  return result
end

--- How many of these have that status.
function parts.count(list, status)
  local n = 0
  for _, d in pairs(list) do
    if d:status() == status then n = n + 1 end
  end
  return n
end

--- A Deferred whose canceller traces its name and then, if told so, answers.
function parts.traced(t, name, answer)
  return weir.Deferred(function(self)
    t(name)
    if answer then answer(self) end
  end)
end

--- Cancellers' answers.
function parts.succeed_with(...)
  local values = table.pack(...)
  return function(d) d:callback(table.unpack(values, 1, values.n)) end
end

function parts.fail_with(err)
  return function(d) d:errback(err) end
end

function parts.raise(err)
  return function() error(err, 0) end
end

--- A Deferred whose hooks trace what they are and its name.
function parts.hooked(t, name)
  local function hook(kind) return function() t(kind .. " " .. name) end end
  return weir.Deferred { cancel = hook "cancel", pause = hook "pause", unpause = hook "unpause" }
end

--- A body that waits for the gate, or for ever. Cancelled, it traces the reason and waits for the cleanup.
function parts.work(t, name, cleanup, gate)
  local ok, result = pcall(weir.await, gate or weir.Deferred())
  if ok then return result end
  t(name .. " asked: " .. parts.reason(result))
  if cleanup then weir.await(cleanup) end
  t(name .. " cleaned")
  error(result, 0)
end

--- A coroutine that does so.
function parts.busy(...) return weir.spawn(parts.work, ...) end

--- A body that cannot be cancelled but by force, which is traced.
function parts.stubborn(t, name)
  local _ <close> = setmetatable({}, { __close = function() t(name .. " closed") end })
  while true do pcall(weir.await, weir.Deferred()) end
end

--- What stands behind an error: its reason, or its name, or the error itself, as a string.
function parts.reason(err)
  if weir.is_cancelled(err) then return parts.reason(err.reason) end
  return type(err) == "table" and err.name or tostring(err)
end

--- Traces the end of d, and leaves its outcome as it is. Returns d.
function parts.watch(t, name, d)
  return d:add_both(function(ok, ...)
    t(name .. (ok and " done" or " failed: " .. parts.reason(...)))
    if ok then return ... end
    error((...), 0)
  end)
end

--- A coroutine that awaits (d, or d and seconds) and traces what came of it.
function parts.awaiter(t, name, ...)
  return weir.spawn(function(...)
    local ok, value = pcall(weir.await, ...)
    t(name .. (ok and " got " .. tostring(value) or " saw " .. parts.reason(value)))
    if not ok then error(value, 0) end
    return value
  end, ...)
end

--- The unhandled errors that have been reported by the end of a turn.
function parts.reported(reports)
  weir.step()
  return parts.list(#reports, function(i) return reports[i].err end)
end

--- A table that does not keep its keys.
function parts.weak(...)
  local result = setmetatable({}, { __mode = "k" })
  for _, key in ipairs { ... } do result[key] = true end
  return result
end

--- d wrapped n times; wrap(d, i) makes one level.
function parts.nest(n, d, wrap)
  for i = 1, n do d = wrap(d, i) end
  return d
end

return parts
