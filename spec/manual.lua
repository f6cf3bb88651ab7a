--- For examples that sleep: the loop's clock is a manual one, and `weir.run` moves it on as time would.
local core = require("weir.core").functions
local weir = require "weir"

local run = weir.run
local clock = weir.Clock()
weir.clock(clock)

local function has_ended(co)
  local status = co:status()
  return status == "success" or status == "failure" or status == "cancelled"
end

-- False when nothing is left to do.
local function go_on()
  weir.step()
  if core.is_ready() then return true end
  local deadline = core.deadline(clock)
  if deadline then clock:advance(deadline - clock:now()) end
  return deadline ~= nil
end

local function start(...)
  local inline = weir.inline(false)
  local co = weir.spawn(...)
  weir.inline(inline)
  return co
end

function weir.run(...)
  local co = select("#", ...) > 0 and start(...)
  repeat
    if not go_on() then return run(table.unpack(co and { weir.await, co } or {})) end
  until co and has_ended(co)
  return co:result()
end
