-- The model's only state, and its namespace: every other file adds functions to this table.
local m = {}

--- A fresh world, as after the module is loaded.
function m.reset()
  m.world = {}
  m.now = 0 -- 7.2: the one manual clock
  m.advancing = 0 -- calls of advance that are on their way
  m.armed = 0 -- timers armed so far
  m.born = 0 -- Coroutines started so far
  m.timers = {}
  m.ready = {} -- 3.5: first in, first out
  m.hooks = {} -- to be run (6.2)
  m.fires = {} -- Deferreds with something to tell
  m.dying = {} -- Coroutines cancelled in this turn
  m.lost = {} -- found by the collector, for the next turn
  m.failures = setmetatable({}, { __mode = "v" }) -- 8.1: in the order they failed, no longer than these live
  m.failed = 0 -- how many
  m.has_circle = false -- of waits: did one come into being?
  m.undecided = {} -- what has happened of which the model does not know the end: see README.md
  m.current = nil -- 3.9: the running Coroutine
  m.depth = 0 -- callbacks and hooks that are being run
  m.inline = true
  m.looping = false -- in a turn or step
  m.grace_time = 5
  m.handler = function() end
end

return m
