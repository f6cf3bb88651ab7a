--- The live coroutines, one by one.
local core = require "weir.core".functions
local words = require "weir.look.words"

local function left(facts)
  local limit = facts.limit and facts.limit.seconds
  if limit and facts.grace then return math.min(limit, facts.grace) end
  return limit or facts.grace
end

local function task_of(co, facts)
  local on = facts.on
  return {
    co = co,
    name = facts.name,
    number = facts.number,
    status = facts.status,
    state = facts.state,
    started = facts.started,
    at = facts.at,
    on = on,
    waits_on = on and words.label(core.look(on)) or nil,
    waited = facts.waited,
    resumes = facts.resumes,
    age = facts.age,
    ran = facts.ran,
    left = left(facts),
  }
end

--- For a generic `for`, by the order in which they were made: those that have a body now. Who has ended when its turn
--- comes is passed over.
--- @return iterator that gives a new table at each step
local function tasks()
  local list, i = core.quietly(core.live), 0
  return function()
    while i < #list do
      i = i + 1
      local co = list[i]
      list[i] = false
      local facts = core.look(co)
      if facts.state then return task_of(co, facts) end
    end
  end
end

return tasks
