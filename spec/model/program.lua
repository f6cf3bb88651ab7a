-- Random programs. A program is a list of operations, each a list: its name, then slots, numbers and
-- bodies, which are lists of operations again. Slots are where a program keeps its Deferreds.
local program = {}

-- Where an operation may stand, how often it is chosen there, and from which stage on.
--   host, body (of a coroutine), back (callbacks and hooks), hand (<close> handlers)
local CHOICES = {
  { "callback", stage = 1, host = 4, body = 3, back = 4, hand = 3 },
  { "errback", stage = 1, host = 2, body = 1, back = 2, hand = 1 },
  { "add_callback", stage = 1, host = 2, body = 1, back = 2, hand = 1 },
  { "add_errback", stage = 1, host = 2, body = 1, back = 2, hand = 1 },
  { "add_callbacks", stage = 1, host = 1, body = 0.5, back = 1, hand = 0.5 },
  { "add_both", stage = 1, host = 2, body = 1, back = 2, hand = 1 },
  { "deferred", stage = 1, host = 2, body = 2, back = 1, hand = 1 },
  { "succeed", stage = 1, host = 0.3, body = 0.5, back = 0.5, hand = 0.2 },
  { "fail", stage = 1, host = 0.3, body = 0.5, back = 0.5, hand = 0.2 },
  { "chain", stage = 1, host = 3, body = 1, back = 1, hand = 1 },
  { "shield", stage = 1, host = 1.5, body = 1, back = 0.3, hand = 0.3 },
  { "status", stage = 1, host = 0.5, body = 0.5, back = 1, hand = 1 },
  { "look", stage = 1, host = 3, body = 1.5, back = 1, hand = 1 },
  { "result", stage = 1, host = 0.3, body = 0.3, back = 0.3, hand = 0.3 },
  { "step", stage = 1, host = 2.5, body = 0.1, back = 0.1, hand = 0.1 },
  { "return", stage = 1, host = 0, body = 2, back = 4, hand = 0 },
  { "raise", stage = 1, host = 0, body = 1, back = 1.5, hand = 1 },
  { "rethrow", stage = 1, host = 0, body = 0.7, back = 1.5, hand = 0.5 },
  { "spawn", stage = 2, host = 6, body = 5, back = 2, hand = 1.5 },
  { "me", stage = 2, host = 0, body = 1, back = 0, hand = 0 },
  { "await", stage = 2, host = 0, body = 14, back = 0.2, hand = 6 },
  { "yielded", stage = 2, host = 0, body = 2, back = 0, hand = 1 },
  { "yield", stage = 2, host = 0, body = 3, back = 0.1, hand = 1.5 },
  { "pcall", stage = 2, host = 0, body = 6, back = 0, hand = 1 },
  { "guard", stage = 2, host = 0, body = 6, back = 0, hand = 0.7 },
  { "sort", stage = 2, host = 0, body = 0.7, back = 0, hand = 0 },
  { "cancel", stage = 3, host = 7, body = 5, back = 4, hand = 3 },
  { "close", stage = 4, host = 1.5, body = 0.7, back = 0.7, hand = 0.7 },
  { "pause", stage = 5, host = 5, body = 4, back = 2, hand = 1.5 },
  { "unpause", stage = 5, host = 6, body = 3, back = 2, hand = 1.5 },
  { "advance", stage = 6, host = 7, body = 0.7, back = 0.3, hand = 0.3 },
  { "grace", stage = 6, host = 0.5, body = 0.2, back = 0, hand = 0 },
  { "inline", stage = 6, host = 0.3, body = 0, back = 0, hand = 0 },
  { "after", stage = 6, host = 1.5, body = 1, back = 1, hand = 0.5 },
  { "sleep", stage = 6, host = 0, body = 4, back = 0, hand = 2 },
  { "timeout", stage = 6, host = 2.5, body = 1.5, back = 1, hand = 0.5 },
  { "noreturn", stage = 7, host = 0, body = 3, back = 0, hand = 0.5 },
  { "noreturn_to", stage = 7, host = 0, body = 2, back = 0, hand = 0.5 },
  { "drop", stage = 8, host = 7, body = 2, back = 1, hand = 1 },
  { "collect", stage = 8, host = 2, body = 0.3, back = 0.2, hand = 0.1 },
}
program.GARBAGE = 8 -- the stage with collections

local random = math.random
local GARBAGE = 0.1 -- programs that collect: that takes time

local function chance(p) return random() < p end

-- Small numbers and halves: exact, and often equal.
local function seconds()
  return ({ 0, 0.5, 1, 1, 1, 2, 2, 3, 5, 7 })[random(10)]
end

local Generator = {}
Generator.__index = Generator

-- -- parts of operations -----------------------------------------------------------------------------

-- The first ones are used the most: many wait for the same.
function Generator:slot()
  local n = math.max(1, math.min(self.made, self.slots))
  return math.min(random(n), random(n), n)
end

-- Mostly one that may be of this kind.
function Generator:slot_of(kind)
  local slot
  for _ = 1, 6 do
    slot = random(math.max(1, math.min(self.made, self.slots)))
    if self.kinds[slot] == kind then break end
  end
  return slot
end

-- Mostly one that is free.
function Generator:new_slot(kind)
  local slot = random(self.slots)
  if self.made < self.slots then
    self.made = self.made + 1
    slot = self.made
  end
  self.kinds[slot] = kind
  return slot
end

local ENDS = { ["return"] = true, raise = true, rethrow = true, noreturn = true, noreturn_to = true }

-- Up to so many operations.
function Generator:fill(body, place, most)
  for _ = 1, random(0, most) do
    local last = body[#body]
    if self.left <= 0 or last and ENDS[last[1]] then break end
    table.insert(body, self:operation(place))
  end
  return body
end

function Generator:body(place, most)
  return self:fill({}, place, most)
end

-- -- operations --------------------------------------------------------------------------------------

local make = {}

function make.deferred(g)
  local hooks = {}
  if g.stage >= 3 and chance(0.5) then hooks.cancel = g:body("back", 2) end
  if g.stage >= 5 and chance(0.3) then hooks.pause = g:body("back", 1) end
  if g.stage >= 5 and chance(0.3) then hooks.unpause = g:body("back", 1) end
  return { "deferred", g:new_slot "deferred", hooks }
end

local function wait_name(g)
  if chance(0.1) then return "yielded" end
  if chance(0.12) then return "yield" end
  return g.stage >= 6 and chance(0.15) and "sleep" or "await"
end

-- A wait, perhaps with something to clean up around it.
local function wait(g)
  g.left = g.left - 1
  local op = make[wait_name(g)](g)
  if chance(0.3) then return { "pcall", { op } } end
  if chance(0.3) then return { "guard", g:body("hand", 2), { op } } end
  return op
end

-- Most coroutines wait soon.
function make.spawn(g)
  local slot = g:new_slot "coroutine"
  local body = {}
  if chance(0.3) then table.insert(body, { "me", slot }) end
  if chance(0.6) then table.insert(body, wait(g)) end
  return { "spawn", slot, g:fill(body, "body", 4) }
end

local function with_callback(name)
  make[name] = function(g) return { name, g:slot(), g:body("back", 2) } end
end
with_callback "add_callback"
with_callback "add_errback"
with_callback "add_both"

function make.add_callbacks(g) return { "add_callbacks", g:slot(), g:body("back", 2), g:body("back", 2) } end

function make.grace() return { "grace", seconds() } end

function make.inline() return { "inline", chance(0.5) } end

function make.callback(g) return { "callback", g:slot_of "deferred", random(0, 2) } end

function make.errback(g) return { "errback", g:slot_of "deferred" } end

function make.succeed(g) return { "succeed", g:new_slot "deferred", random(0, 2) } end

function make.fail(g) return { "fail", g:new_slot "deferred" } end

function make.shield(g)
  local of = g:slot()
  return { "shield", g:new_slot "deferred", of }
end

function make.chain(g) return { "chain", g:slot(), g:slot_of "deferred" } end

make["return"] = function(g)
  if chance(0.6) then return { "return", g:slot() } end
  return { "return", false, random(0, 2) }
end

function Generator:limit(p)
  return self.stage >= 6 and chance(p) and seconds() or nil
end

function make.cancel(g)
  return { "cancel", chance(0.5) and g:slot_of "coroutine" or g:slot(), g:limit(0.3) }
end

function make.await(g) return { "await", g:slot(), g:limit(0.2) } end

function make.pause(g)
  local slot = chance(0.5) and g:slot_of "coroutine" or g:slot()
  table.insert(g.paused, slot)
  return { "pause", slot }
end

function make.unpause(g)
  return { "unpause", chance(0.8) and g.paused[1] and g.paused[random(#g.paused)] or g:slot() }
end

function make.advance() return { "advance", seconds() } end

function make.after(g) return { "after", g:new_slot "timer", seconds() } end

function make.sleep() return { "sleep", seconds() } end

function make.timeout(g) return { "timeout", g:slot(), seconds() } end

function make.close(g) return { "close", g:slot_of "coroutine" } end

function make.me(g) return { "me", g:slot_of "coroutine" } end

make["pcall"] = function(g) return { "pcall", g:body("body", 3) } end

function make.guard(g)
  local handler = g:body("hand", 2)
  return { "guard", handler, g:body("body", 3) }
end

function make.sort(g) return { "sort", g:body("body", 2) } end

function make.noreturn(g) return { "noreturn", g:body("body", 3), chance(0.3) } end

local function with_slot(name)
  make[name] = function(g) return { name, g:slot() } end
end
for _, name in ipairs { "status", "result", "yielded", "noreturn_to", "drop" } do
  with_slot(name)
end
for _, name in ipairs { "look", "step", "yield", "collect", "raise", "rethrow" } do
  make[name] = function() return { name } end
end

-- -- choice ------------------------------------------------------------------------------------------

local function sum(stage, place)
  local total = 0
  for _, choice in ipairs(CHOICES) do
    if choice.stage <= stage then total = total + choice[place] end
  end
  return total
end

function Generator:operation(place)
  self.left = self.left - 1
  local x = random() * self.sums[place]
  for _, choice in ipairs(CHOICES) do
    if choice.stage <= self.stage then
      x = x - choice[place]
      if x < 0 then return make[choice[1]](self) end
    end
  end
  return { "look" }
end

local function generator(stage)
  local g = { stage = stage, made = 0, slots = random(3, 7), left = random(8, 36), kinds = {}, paused = {}, sums = {} }
  for _, place in ipairs { "host", "body", "back", "hand" } do
    g.sums[place] = sum(stage, place)
  end
  return setmetatable(g, Generator)
end

-- First a few to wait for, then some that wait, then whatever comes.
function Generator:fill_program(list)
  if self.stage >= 2 and chance(0.05) then table.insert(list, { "inline", false }) end
  for _ = 1, random(1, 2) do
    table.insert(list, make.deferred(self))
  end
  for _ = 1, self.stage >= 2 and random(0, 3) or 0 do
    table.insert(list, make.spawn(self))
  end
  while self.left > 0 do
    table.insert(list, self:operation "host")
  end
end

-- In the end all that can still happen does, and everything is looked at.
local function finish(list)
  for _, op in ipairs { { "step" }, { "look" }, { "advance", 20 }, { "step" }, { "step" }, { "look" } } do
    table.insert(list, op)
  end
  for slot = 1, list.slots do
    table.insert(list, { "result", slot })
  end
  if list.garbage then table.insert(list, { "reports" }) end
  return list
end

--- The program of a seed: the same on every machine. The operations of up to this stage; without it all,
--- and collections in some programs.
function program.generate(seed, stage)
  math.randomseed(seed)
  stage = stage or chance(GARBAGE) and program.GARBAGE or program.GARBAGE - 1
  local g = generator(stage)
  local list = { slots = g.slots, garbage = stage == program.GARBAGE }
  g:fill_program(list)
  return finish(list)
end

return program
