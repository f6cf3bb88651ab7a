--- Coroutines of weir that run while no controller does, such as those that the main program starts.
-- There cqueues.poll blocks the process, instead of yielding; all methods that wait do so through it, many by an
-- upvalue of theirs. So the question that it asks is answered differently: its upvalue `running`.
local core = require "weir.core".functions
local cqueues = require "cqueues"

local function running()
  return core.current() or cqueues.running()
end

local index = 0
repeat
  index = index + 1
  local name, value = debug.getupvalue(cqueues.poll, index)
  if name == "running" and value == cqueues.running then debug.setupvalue(cqueues.poll, index, running) end
until not name
