-- Ways to go. Each is a coroutine that sleeps on the game's clock from step to step, so whoever awaits one can be
-- stunned or killed on the way.
local arena = require "arena"
local clocks = require "clocks"
local player = require "player"
local weir = require "weir"

local walk = {}

local function sign(n) return n > 0 and 1 or n < 0 and -1 or 0 end

local function step(npc, dx, dy)
  local x, y = arena.place(npc.id)
  arena.move(npc.id, x + dx, y + dy)
  clocks.game:sleep(npc.pace)
end

--- To a place.
walk.to = weir.coroutine(function(npc, x, y)
  repeat
    local here_x, here_y = arena.place(npc.id)
    local dx, dy = sign(x - here_x), sign(y - here_y)
    step(npc, dx, dy)
  until dx == 0 and dy == 0
end, "walk.to")

--- After the player, until beside him.
walk.after = weir.coroutine(function(npc)
  while npc:distance(player.place()) > 2.5 do
    local x, y = player.place()
    local here_x, here_y = arena.place(npc.id)
    step(npc, sign(x - here_x), sign(y - here_y))
  end
end, "walk.after")

--- From the player, until out of his sight.
walk.away = weir.coroutine(function(npc)
  while npc:distance(player.place()) <= npc.sight + 4 do
    local x, y = player.place()
    local here_x, here_y = arena.place(npc.id)
    step(npc, here_x < x and -1 or 1, here_y < y and -1 or 1)
  end
end, "walk.away")

return walk
