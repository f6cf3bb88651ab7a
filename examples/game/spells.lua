-- What the player can do to the NPCs around him.
local arena = require "arena"
local npc = require "npc"
local player = require "player"
local weir = require "weir"

local spells = {}

local function near(radius)
  local list, x, y = {}, player.place()
  for _, one in ipairs(npc.all) do
    if one:distance(x, y) <= radius then list[#list + 1] = one end
  end
  return list
end

--- They stand still for three seconds of the game's time. Returns how many.
function spells.stun()
  local x, y = player.place()
  local hit = near(12)
  for _, one in ipairs(hit) do one:stun(3) end
  arena.ring(x, y, 12, 0.25)
  return #hit
end

--- They die, when the ring has reached them. Returns a Deferred of how many.
spells.kill = weir.coroutine(function()
  local x, y = player.place()
  local hit = near(10)
  weir.await(arena.ring(x, y, 10, 0.2))
  local n = 0
  for _, one in ipairs(hit) do
    if one:kill() then n = n + 1 end
  end
  return n
end, "kill")

return spells
