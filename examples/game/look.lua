-- Looking out for the player, a few times a second of the game's clock.
local clocks = require "clocks"
local player = require "player"
local weir = require "weir"

--- Ends, with "player", when he comes into sight.
return weir.coroutine(function(npc)
  while npc:distance(player.place()) > npc.sight do clocks.game:sleep(0.25) end
  return "player"
end, "look")
