-- The two lines below the arena. They live on the clock of the frames, so they go on while the game stands still.
local arena = require "arena"
local clocks = require "clocks"
local npc = require "npc"
local weir = require "weir"

local ui = {}

local function count_minds()
  local n = { patrol = 0, chase = 0, flee = 0, stunned = 0 }
  for _, one in ipairs(npc.all) do
    local mind = one.stunned and "stunned" or one.mind
    n[mind] = n[mind] + 1
  end
  return n
end

--- Like "300 alive: 200 o 60 ! 30 ~ 10 z".
function ui.count()
  local n = count_minds()
  return ("%d alive: %d o %d ! %d ~ %d z"):format(#npc.all, n.patrol, n.chase, n.flee, n.stunned)
end

function ui.clocks()
  return ("time %.1f game %.1f x%g"):format(clocks.ui:now(), clocks.game:now(), clocks.game:speed())
end

-- While it shows, the word goes on and off.
local function paused()
  return ui.stopped and clocks.ui:now() % 1 < 0.5 and "  PAUSED" or ""
end

local function show_state()
  arena.line(1, ui.count() .. "  " .. ui.clocks() .. paused())
end

local message

local function show(text, seconds)
  arena.line(2, text)
  clocks.ui:sleep(seconds)
  arena.line(2, ui.help)
end

ui.help = "hjkl walk  space stun  x kill  f horn  n more  s slow  p pause  q quit"

--- Shows a text for two seconds, in the place of the one that is shown.
function ui.say(text)
  arena.trace(text)
  if message then message:cancel() end
  message = weir.spawn(show, text, 2)
end

function ui.start()
  arena.line(2, ui.help)
  ui.state = clocks.ui:every(0.1, show_state)
end

return ui
