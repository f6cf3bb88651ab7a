--- What can be set: the command line as a table, over what holds without it.
local DEFAULTS = {
  host = "127.0.0.1",
  port = 4000,     -- 0: a free one
  most = 4000,     -- connections
  idle = 600,      -- seconds without a line
  login = 60,      -- seconds to say one's name
  queue = 64,      -- lines that wait for one who reads slowly
  patience = 3,    -- seconds that one who has stopped reading may hold up the others
  farewell = 2,    -- seconds to hear why it ends
  rate = 10,       -- lines a second, from one
  burst = 20,      -- lines at once, behind a silence
  quiet = 50,      -- members from which on a room is not told who comes and goes
  seed = os.time(), -- of the game's chance
}

local INTEGERS = { port = true, most = true, queue = true, burst = true, quiet = true, seed = true }

local options = {}

local function value_of(name, text)
  if name == "host" then return text end
  local value = INTEGERS[name] and math.tointeger(tonumber(text)) or not INTEGERS[name] and tonumber(text)
  if not value or value < 0 then error(("--%s: %s is no good"):format(name, text), 0) end
  return value
end

--- @param given table of those that are to be others
function options.new(given)
  return setmetatable(given or {}, { __index = DEFAULTS })
end

--- @param words list, `--name value` and so on; raises what is wrong with it
function options.parse(words)
  local given = {}
  for i = 1, #words, 2 do
    local name, text = words[i]:match "^%-%-(%a+)$", words[i + 1]
    if not (name and DEFAULTS[name]) then error(("%s: no such option"):format(words[i]), 0) end
    if not text then error(("--%s: a value is missing"):format(name), 0) end
    given[name] = value_of(name, text)
  end
  return options.new(given)
end

return options
