-- Away from the player; then a rest.
local clocks = require "clocks"
local walk = require "walk"
local weir = require "weir"

return function(npc)
  npc:becomes("flee", "~", "yellow")
  weir.await(walk.away(npc))
  clocks.game:sleep(1)
  weir.noreturn(npc.minds.patrol, npc)
end
