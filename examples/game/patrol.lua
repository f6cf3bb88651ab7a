-- From place to place, until something happens. Whichever part of the race comes first, the others are cancelled.
local alarm = require "alarm"
local arena = require "arena"
local clocks = require "clocks"
local look = require "look"
local random = require "random"
local walk = require "walk"
local weir = require "weir"

local width, height = arena.size()

return function(npc)
  npc:becomes("patrol", "o", "green")
  while true do
    local what = weir.await(weir.race {
      walk.to(npc, random(width), random(height)),
      look(npc),
      alarm.wait(),
    })
    if what == "alarm" then weir.noreturn(npc.minds.flee, npc) end
    if what == "player" then weir.noreturn(npc.brave and npc.minds.chase or npc.minds.flee, npc) end
    clocks.game:sleep(0.5)
  end
end
