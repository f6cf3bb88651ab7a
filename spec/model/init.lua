-- The model as a module: the part of weir's interface that programs use, in plain Lua.
local m = require "spec.model.state"
for _, part in ipairs { "failure", "deferred", "pause", "coroutine", "sched", "cancel", "close", "clock" } do
  require("spec.model." .. part)
end

-- What wakes somebody runs it before it returns to the host (3.5).
for _, methods in ipairs { m.Deferred, m.Coroutine } do
  for _, name in ipairs { "add_callback", "add_errback", "add_callbacks", "add_both",
    "chain", "cancel", "close" } do
    local f = rawget(methods, name)
    if f then methods[name] = m.entry(f) end
  end
end

local function setting(name)
  return function(value)
    local old = m[name]
    m[name] = value
    return old
  end
end

local api = {
  Deferred = m.new,
  succeed = m.succeed,
  fail = m.fail,
  shield = m.entry(m.shield),
  after = m.after,
  advance = m.entry(m.advance),
  coroutine = m.coroutine,
  spawn = m.entry(m.spawn),
  await = m.await,
  yield = m.yield,
  sleep = m.sleep,
  noreturn = m.noreturn,
  current = m.current_coroutine,
  step = m.step,
  inline = setting "inline",
  grace = setting "grace_time",
  on_unhandled = setting "handler",
  is_deferred = m.is_deferred,
  is_cancelled = m.is_cancelled,
}

-- 3.4, 3.3
function api.raw_yield(...)
  if select("#", ...) == 0 then return api.yield() end
  return api.await(...)
end

local leaves_handler = { __close = function(self) self.co.handlers = self.co.handlers - 1 end }

--- A handler of a <close> variable of the running coroutine begins; it ends when what is returned is
--- closed. Lua does not tell.
function api.in_handler()
  local co = m.current
  if not co then return end
  co.handlers = (co.handlers or 0) + 1
  return setmetatable({ co = co }, leaves_handler)
end

--- A fresh world.
api.reset = m.reset

--- Has the program done what has no decided end? See README.md.
function api.is_undecided(collects)
  return m.undecided.circle or m.undecided.nested or collects and (m.undecided.ghost or m.failed > 0)
end

return api
