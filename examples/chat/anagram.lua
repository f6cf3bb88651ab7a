--- A game: the letters of a word, shuffled. Who says the word first has a point.
-- One coroutine goes from state to state by noreturn: begin, round, round ..., score. What a round waits for is whoever
-- comes first of a Deferred, which the players fire, and a coroutine that gives hints. So a pause of the game stops its
-- time, and a cancel leaves nothing of it behind.
local weir = require "weir"
local WORDS = require "chat.words"

local ROUNDS, BREATH = 5, 3 -- seconds between two rounds
local HINTS, HINT = 2, 10   -- seconds up to each, and from the last one to the end of the round
local LONGEST = 900         -- seconds; runs on while the game is paused

-- `word` and `solved`, a Deferred of the name of who says it, are there during a round.
local Game = {}
Game.__index = Game

local function shuffled(word, random)
  local letters = { word:byte(1, -1) }
  for i = #letters, 2, -1 do
    local j = random(i)
    letters[i], letters[j] = letters[j], letters[i]
  end
  local text = string.char(table.unpack(letters))
  return text ~= word and text or shuffled(word, random)
end

-- ---- the states ----

local function score(self)
  local list = {}
  for name, points in pairs(self.points) do list[#list + 1] = ("%s %d"):format(name, points) end
  table.sort(list)
  self.room:announce("the game is over: " .. (list[1] and table.concat(list, ", ") or "nobody has a point"))
end

local function give_hints(self)
  for n = 1, HINTS do
    weir.sleep(HINT)
    self.room:announce(("hint: %s..."):format(self.word:sub(1, n)))
  end
  weir.sleep(HINT)
end

local function play_word(self)
  self.solved = weir.Deferred()
  local winner = weir.await(weir.race { self.solved, weir.spawn(give_hints, self) })
  self.solved = nil
  if not winner then return self.room:announce(("time is up: %s"):format(self.word)) end
  self.points[winner] = (self.points[winner] or 0) + 1
  self.room:announce(("%s has it: %s"):format(winner, self.word))
end

local function round(self, number)
  self.word = WORDS[self.random(#WORDS)]
  self.room:announce(("round %d of %d: %s"):format(number, ROUNDS, shuffled(self.word, self.random)))
  play_word(self)
  if number == ROUNDS then weir.noreturn(score, self) end
  weir.sleep(BREATH)
  weir.noreturn(round, self, number + 1)
end

local function begin(self)
  self.room:announce(("a game of anagrams, %d rounds: say the word that these letters make"):format(ROUNDS))
  weir.noreturn(round, self, 1)
end

-- ---- from outside ----

--- Starts one in a room; it takes itself away when it is over.
function Game.start(room)
  local self = setmetatable({ room = room, random = room.house.random, points = {}, paused = false }, Game)
  room.game = self
  self.task = weir.spawn(begin, self):timeout(LONGEST)
  self.task:add_both(function(ok, err)
    room.game = nil
    if ok or weir.is_cancelled(err) then return end
    if err.name ~= "TimeoutError" then error(err, 0) end
    weir.spawn(room.announce, room, "the game has taken too long, and is over")
  end)
end

--- While it is paused nobody can win.
function Game:hear(name, text)
  if self.solved and not self.paused and text:lower() == self.word then self.solved:callback(name) end
end

--- @return whether it was not
function Game:pause()
  if self.paused then return false end
  self.paused = true
  self.task:pause()
  return true
end

--- @return whether it was paused
function Game:resume()
  if not self.paused then return false end
  self.paused = false
  self.task:unpause()
  return true
end

--- @return whether there was something to stop
function Game:stop() return self.task:cancel() end

return Game
