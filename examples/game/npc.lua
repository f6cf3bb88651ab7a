-- An NPC: an actor in the arena and one coroutine, its life. What it does at the moment is a behaviour, and changes by
-- noreturn: the coroutine stays the same, whatever the behaviour before had waited for is gone.
local arena = require "arena"
local census = require "census"
local clocks = require "clocks"
local random = require "random"
local weir = require "weir"

local NPC = {}
NPC.__index = NPC
NPC.minds = { patrol = require "patrol", chase = require "chase", flee = require "flee" }

local npc = { all = {} } -- those alive, in the order they came

local width, height = arena.size()

local function without(list, one)
  for i, other in ipairs(list) do
    if other == one then return table.remove(list, i) end
  end
end

--- Whatever ends its life, it leaves the arena.
function NPC:__close()
  without(npc.all, self)
  arena.remove(self.id)
  if self.stunned then self.stunned:cancel() end
end

--- What it does now, and what it looks like.
function NPC:becomes(name, glyph, colour)
  self.mind, self.glyph, self.colour = name, glyph, colour
  arena.look(self.id, glyph, colour)
end

--- To a place, in widths of a cell.
function NPC:distance(x, y)
  local here_x, here_y = arena.place(self.id)
  return math.sqrt((x - here_x) ^ 2 + (2 * (y - here_y)) ^ 2) -- cells are twice as high
end

--- Stops it, and all that it waits for, for some seconds of the game's time; those that are left begin anew.
function NPC:stun(seconds)
  if self.stunned then
    self.stunned:cancel()
  else
    self.life:pause()
  end
  arena.look(self.id, "z", "blue")
  self.stunned = clocks.game:after(seconds):add_callback(function() self:wake() end)
end

function NPC:wake()
  self.stunned = nil
  self.life:unpause()
  arena.look(self.id, self.glyph, self.colour)
end

--- With all that it waits for, at once.
function NPC:kill()
  return self.life:cancel("killed")
end

-- The behaviour is a coroutine of its own: a hop would close what this one holds.
local function live(self)
  local _ <close> = self
  weir.await(census.count(weir.spawn(self.minds.patrol, self)))
end

local function spawn()
  local self = setmetatable({}, NPC)
  self.id = arena.add(random(width), random(height))
  self.pace = 0.1 + random(15) / 100 -- seconds for a step
  self.sight = 6 + random(8)
  self.brave = random(3) > 0
  npc.all[#npc.all + 1] = self
  self.life = census.count(weir.spawn(live, self))
end

--- That many more. Inside a coroutine a spawn starts at once, so nobody can stun or kill one that has not begun to
--- live, and so would never come to the end of it.
npc.add = weir.coroutine(function(n)
  for _ = 1, n do spawn() end
end, "npc.add")

return npc
