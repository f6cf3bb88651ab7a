-- The player: moved by keys, so it needs no coroutine.
local arena = require "arena"

local player = {}
local width, height = arena.size()
local id = arena.add(width // 2, height // 2)
arena.look(id, "@", "white")

--- x, y
function player.place() return arena.place(id) end

function player.walk(dx, dy)
  local x, y = arena.place(id)
  arena.move(id, x + dx, y + dy)
end

return player
