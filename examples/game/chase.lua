-- After the player, but not for ever: a time limit, on the game's clock, ends the hunt.
local arena = require "arena"
local clocks = require "clocks"
local walk = require "walk"
local weir = require "weir"

local function caught() return true end
local function lost() return false end

local function bite(npc)
  local x, y = arena.place(npc.id)
  weir.await(arena.ring(x, y, 2, 0.3))
  clocks.game:sleep(1)
end

return function(npc)
  npc:becomes("chase", "!", "red")
  local hunt = clocks.game:timeout(walk.after(npc), 4):add_callbacks(caught, lost)
  if weir.await(hunt) then bite(npc) end
  weir.noreturn(npc.minds.patrol, npc)
end
