--- Why something does not go on, in one line.
local core = require "weir.core".functions
local words = require "weir.look.words"

local HOPS = 8    -- that are followed
local PARTS = 3   -- that are named
local AHEAD = 999 -- that are counted

local function label_of(d)
  return words.label(core.look(d))
end

-- ---- one thing ----

local function queued(d, facts)
  local n = core.ahead(d, AHEAD + 1)
  local what = facts.state == "new" and "not begun" or "ready"
  if n == 0 then return what .. ", the next to run" end
  if n > AHEAD then return what .. (", more than %d run before it"):format(AHEAD) end
  return what .. (n == 1 and ", one runs before it" or (", %d run before it"):format(n))
end

local function parts(d)
  local list, names = {}, {}
  local n = core.below(d, list) // 3
  for i = 1, math.min(n, PARTS) do names[i] = label_of(list[3 * i - 2]) end
  local rest = n > PARTS and (" and %d more"):format(n - PARTS) or ""
  return table.concat(names, ", ") .. rest, n
end

local CLOSING = "its <close> handlers run"

-- What it does if it waits for nothing that has one way down.
local function standing(d, facts)
  local state = facts.state
  if facts.due then return words.due(facts) end
  if facts.held then return words.hold(facts, label_of) end
  if state == "running" then return "running" end
  if state == "calling" then return "running: a coroutine that it has called has not come to its first wait" end
  if state == "closing" then return CLOSING end
  if state then return queued(d, facts) end
  if facts.status ~= "pending" then return "ended: " .. facts.status end
  local names, n = parts(d)
  local purpose = words.purpose(facts)
  if n > 0 then return (purpose and purpose .. ": " or "") .. "waiting for " .. names end
  return purpose or "nobody has fired it"
end

-- ---- the way down ----

local function is_end(facts)
  return not facts.on or (facts.held and facts.pauses > 0)
end

-- What is waited for, and what that waits for, and so on: a list of texts.
local function way(d, facts)
  local list, seen = {}, { [d] = true }
  repeat
    d = facts.on
    if seen[d] then
      list[#list + 1] = label_of(d) .. ": a circle"
      return list
    end
    seen[d] = true
    facts = core.look(d)
    list[#list + 1] = words.label(facts)
  until is_end(facts) or #list == HOPS
  list[#list] = ("%s (%s)"):format(list[#list], is_end(facts) and standing(d, facts) or "and so on")
  return list
end

local function waiting(d, facts)
  local time = facts.waited and " " .. words.about(facts.waited) or ""
  return ("waiting%s for %s"):format(time, table.concat(way(d, facts), ", which waits for "))
end

-- ---- all ----

local function sentence(d)
  local facts, list = core.look(d), {}
  if facts.cancelled then list[1] = "cancelled" end
  if facts.state == "closing" and facts.on then list[#list + 1] = CLOSING end
  if facts.held and facts.on then list[#list + 1] = words.hold(facts, label_of) end
  list[#list + 1] = facts.on and waiting(d, facts) or standing(d, facts)
  list[#list + 1] = words.limit(facts)
  return table.concat(list, "; ")
end

--- `d:why()`
return function(d)
  if not core.is_deferred(d) then
    error("calling 'why' on bad self (Deferred expected, got " .. (d == nil and "no value" or type(d)) .. ")", 2)
  end
  return core.quietly(sentence, d)
end
