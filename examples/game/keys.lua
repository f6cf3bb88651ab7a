-- What each key does.
local alarm = require "alarm"
local arena = require "arena"
local census = require "census"
local clocks = require "clocks"
local npc = require "npc"
local player = require "player"
local spells = require "spells"
local ui = require "ui"

local keys = {}

local function walks(dx, dy)
  return function() player.walk(dx, dy) end
end

keys.h, keys.left = walks(-1, 0), walks(-1, 0)
keys.l, keys.right = walks(1, 0), walks(1, 0)
keys.k, keys.up = walks(0, -1), walks(0, -1)
keys.j, keys.down = walks(0, 1), walks(0, 1)

function keys.space()
  ui.say(("stunned %d"):format(spells.stun()))
end

function keys.x()
  spells.kill():add_callback(function(n) ui.say(("killed %d"):format(n)) end)
end

function keys.f()
  alarm.sound()
  ui.say "the horn sounds"
end

function keys.n()
  npc.add(20)
  ui.say "20 more"
end

-- A quarter of the speed, or all of it again.
function keys.s()
  local slow = clocks.game:speed() < 1
  clocks.game:speed(slow and 1 or 0.25)
  ui.say(slow and "full speed" or "slow motion")
end

function keys.p()
  ui.stopped = not ui.stopped
  clocks.game[ui.stopped and "pause" or "unpause"](clocks.game)
  ui.say(ui.stopped and "the game stands still" or "the game goes on")
end

-- Everything the NPCs have in memory: two coroutines each, if what the dead had is gone.
function keys.c()
  ui.say(("%s  %s  %d in memory"):format(ui.count(), ui.clocks(), census.take()))
end

function keys.q() arena.quit() end

return keys
