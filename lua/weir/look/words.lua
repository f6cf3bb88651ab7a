--- What is known of a Deferred, in words that stand on one line.
local words = {}

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped(char)
  return ESCAPES[char] or ("\\%d"):format(char:byte())
end

--- A text without anything that would end its line.
function words.plain(text)
  return (text:gsub("%c", escaped))
end

--- A time, to three digits.
function words.seconds(seconds)
  if seconds == math.huge then return "forever" end
  return (seconds < 1000 and "%.3g s" or "%.0f s"):format(seconds)
end

--- A time that is known to some hundredths.
function words.about(seconds)
  return (seconds < 100 and "%.1f s" or "%.0f s"):format(seconds)
end

--- Kind, name and address.
function words.label(facts)
  return words.plain(facts.label)
end

local function times(n)
  return n == 1 and "once" or n .. " times"
end

-- With the clock, where that is not the loop's own.
local function time_left(left)
  local clock = left.clock and " on " .. left.clock or left.still and " on a clock" or ""
  return words.seconds(left.seconds) .. clock .. (left.still and " that stands still" or "")
end

--- Of what is held: by whom.
-- @param label_of gives the label of a Deferred
function words.hold(facts, label_of)
  if facts.pauses > 0 then return "paused " .. times(facts.pauses) end
  if facts.holder then return "held, as " .. label_of(facts.holder) .. " is" end
  return "held"
end

--- Of what a clock fires: when.
function words.due(facts)
  if facts.due.seconds == math.huge then return "never due" end
  if facts.held then return ("frozen with %s left"):format(words.seconds(facts.due.seconds)) end
  return "due in " .. time_left(facts.due)
end

local LIMITS = { await = "its await ends in ", timeout = "it times out in ", grace = "it is closed in " }

--- What puts an end to it from outside: the first of its limits, nil without one.
function words.limit(facts)
  if facts.limit then return LIMITS[facts.limit.kind] .. time_left(facts.limit) end
  return facts.grace and LIMITS.grace .. words.seconds(facts.grace) or nil
end

--- What a Deferred of the library's is for; nil if that is not known.
function words.purpose(facts)
  return facts.purpose and words.plain(facts.purpose)
end

-- What it does, in a word or two.
local function doing(facts, label_of)
  local state = facts.state or facts.status
  if facts.due then return words.due(facts) end
  if facts.held then return words.hold(facts, label_of) end
  if facts.waited and state == "waiting" then return "waiting " .. words.about(facts.waited) end
  return state
end

--- All of it, for a list: state, pauses, limits, callbacks.
function words.details(facts, label_of)
  local list = { words.purpose(facts) }
  list[#list + 1] = doing(facts, label_of)
  if facts.cancelled then list[#list + 1] = "cancelled" end
  list[#list + 1] = words.limit(facts)
  if facts.callbacks > 0 then list[#list + 1] = facts.callbacks == 1 and "1 callback" or "callbacks" end
  return table.concat(list, ", ")
end

return words
