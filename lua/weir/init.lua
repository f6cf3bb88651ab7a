--- weir: Deferreds and coroutines for Lua.
-- The core is in C; what is written in Lua over it is added here.
local module = require "weir.core"
local core = module.functions
local every = require "weir.every"

local weir = {
  _VERSION = module._VERSION,
  -- Deferreds
  Deferred = core.Deferred,
  succeed = core.succeed,
  fail = core.fail,
  maybe = require "weir.maybe",
  shield = core.shield,
  is_deferred = core.is_deferred,
  is_cancelled = core.is_cancelled,
  -- coroutines
  coroutine = core.coroutine,
  spawn = core.spawn,
  await = core.await,
  yield = core.yield,
  noreturn = core.noreturn,
  current = core.current,
  wrap = core.wrap,
  grace = core.grace,
  slice = core.slice,
  -- time
  Clock = core.Clock,
  clock = core.clock,
  now = core.now,
  sleep = core.sleep,
  after = core.after,
  every = every.on_loop_clock,
  -- many
  all = require "weir.all",
  settle = require "weir.settle",
  race = require "weir.race",
  any = require "weir.any",
  map = require "weir.map",
  scope = require "weir.scope",
  Lock = require "weir.lock",
  Semaphore = require "weir.semaphore",
  Queue = require "weir.queue",
  Event = require "weir.event",
  Barrier = require "weir.barrier",
  -- the loop
  run = core.run,
  step = core.step,
  inline = core.inline,
  -- looking inside
  stats = core.stats,
  timing = core.timing,
  trace = core.trace,
  -- errors
  on_unhandled = core.on_unhandled,
  debug = core.debug,
  -- a look inside
  tasks = require "weir.look.tasks",
  tree = require "weir.look.tree",
  graph = require "weir.look.graph",
}

local why = require "weir.look.why"

module.clock_methods.every = every.on_clock
module.deferred_methods.why = why
module.coroutine_methods.why = why
core.mark_library()

return weir
