-- The host runs this once, with the number of NPCs, and calls what it returns with each key.
local arena = require "arena"
local keys = require "keys"
local npc = require "npc"
local ui = require "ui"
local weir = require "weir"

-- A script that fails must not do so unseen.
weir.on_unhandled(function(err, traceback)
  arena.quit(("%s\n%s"):format(err, traceback or ""))
end)

npc.add(...)
ui.start()

return function(key)
  if keys[key] then keys[key]() end
end
