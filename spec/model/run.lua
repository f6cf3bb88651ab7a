-- Runs a program, which is data, against the module or the model: gives the trace and the final states.
local label = require "spec.model.label"
local shape = require "spec.model.shape"

local run = {}
local ops = {}

-- A program ends, whatever it does.
run.STEPS = 400 -- operations
run.NESTED = 10 -- callbacks and hooks

-- -- what an operation does ------------------------------------------------------------------------

local function log(env, op, ...)
  if not env.over and not op.quiet then env.t(op.id, ...) end
end

-- One operation after the other; a table of values if one of them returns.
local function exec(env, body)
  for i = 1, #body do
    env.steps = env.steps + 1
    if env.over or env.steps > run.STEPS then return end
    local values = ops[body[i][1]](env, body[i])
    if values then return values end
  end
end

-- A function that runs a body and returns what the body does, else the name of op.
local function body_of(env, op, body)
  return function()
    local values = exec(env, body)
    if values then return table.unpack(values, 1, values.n) end
    return "w" .. op.id
  end
end

local function returns(env, ok, ...)
  env.nested = env.nested - 1
  if not ok then error((...), 0) end
  return ...
end

-- Callbacks and hooks that cause each other for ever come to an end.
local function nest(env, f)
  if env.nested >= run.NESTED then return end
  env.nested = env.nested + 1
  return returns(env, pcall(f))
end

-- The same for a callback: what it is called with is logged.
local function callback_of(env, op, body)
  local f = body_of(env, op, body)
  return function(...)
    log(env, op, "got", ...)
    return nest(env, f)
  end
end

-- The Deferred in the slot; the operation is nothing if there is none.
local function at(env, op, slot)
  local d = env.v[slot]
  if not d then op.skipped = true end
  return d
end

local function store(env, slot, d)
  env.v[slot] = d
  env.all[#env.all + 1] = d
end

-- For the printer: an operation that never raises needs no pcall.
local function note(op, ok, ...)
  op.raises = op.raises or not ok
  return ok, ...
end

local function try(env, op, method, ...)
  local d = at(env, op, op[2])
  if d then log(env, op, note(op, pcall(d[method], d, ...))) end
end

-- 0, 1 or 2 values of op.
local function values_of(op, n)
  local values = { "v" .. op.id, "u" .. op.id }
  return table.unpack(values, 1, n)
end

-- -- making ----------------------------------------------------------------------------------------

local function hook_of(env, op, name)
  local body = op[3] and op[3][name]
  return body and function()
    log(env, op, name)
    nest(env, function() exec(env, body) end)
  end
end

function ops.deferred(env, op)
  store(env, op[2], env.api.Deferred {
    cancel = hook_of(env, op, "cancel"),
    pause = hook_of(env, op, "pause"),
    unpause = hook_of(env, op, "unpause"),
  })
end

function ops.succeed(env, op)
  store(env, op[2], env.api.succeed(values_of(op, op[3])))
end

function ops.fail(env, op)
  store(env, op[2], env.api.fail("e" .. op.id))
end

function ops.shield(env, op)
  local d = at(env, op, op[3])
  if d then store(env, op[2], env.api.shield(d)) end
end

function ops.after(env, op)
  store(env, op[2], env.api.after(op[3], values_of(op, 1)))
end

function ops.spawn(env, op)
  store(env, op[2], env.api.spawn(body_of(env, op, op[3])))
  log(env, op)
end

--- The running coroutine, in its own slot already before spawn returns.
function ops.me(env, op)
  local co = env.api.current()
  if co then store(env, op[2], co) end
end

-- -- methods ---------------------------------------------------------------------------------------

function ops.callback(env, op)
  try(env, op, "callback", values_of(op, op[3]))
end

function ops.errback(env, op)
  try(env, op, "errback", "e" .. op.id)
end

function ops.add_callback(env, op)
  try(env, op, "add_callback", callback_of(env, op, op[3]))
end

function ops.add_errback(env, op)
  local f = callback_of(env, op, op[3])
  try(env, op, "add_errback", function(err)
    env.caught = { err }
    return f(err)
  end)
end

function ops.add_both(env, op)
  try(env, op, "add_both", callback_of(env, op, op[3]))
end

function ops.add_callbacks(env, op)
  try(env, op, "add_callbacks", callback_of(env, op, op[3]), callback_of(env, op, op[4]))
end

function ops.chain(env, op)
  local other = at(env, op, op[3])
  if other then try(env, op, "chain", other) end
end

function ops.timeout(env, op)
  try(env, op, "timeout", op[3])
end

function ops.cancel(env, op)
  try(env, op, "cancel", "c" .. op.id, op[3])
end

function ops.pause(env, op)
  try(env, op, "pause")
end

function ops.unpause(env, op)
  try(env, op, "unpause")
end

function ops.close(env, op)
  try(env, op, "close")
end

function ops.result(env, op)
  try(env, op, "result")
end

function ops.status(env, op)
  try(env, op, "status")
end

-- -- in a body -------------------------------------------------------------------------------------

function ops.await(env, op)
  local d = at(env, op, op[2])
  if d then log(env, op, env.api.await(d, op[3])) end
end

--- coroutine.yield(d)
function ops.yielded(env, op)
  local d = at(env, op, op[2])
  if d then log(env, op, env.api.raw_yield(d)) end
end

function ops.yield(env, op)
  log(env, op, env.api.yield())
end

function ops.sleep(env, op)
  log(env, op, env.api.sleep(op[2]))
end

function ops.noreturn(env, op)
  local f = body_of(env, op, op[2])
  log(env, op)
  env.api.noreturn(op[3] and env.api.coroutine(f) or f)
end

function ops.noreturn_to(env, op)
  local d = at(env, op, op[2])
  if d then
    log(env, op)
    env.api.noreturn(d)
  end
end

-- The error is kept for rethrow.
local function catch(env, ok, ...)
  if not ok then env.caught = { (...) } end
  return ok, ...
end

function ops.pcall(env, op)
  log(env, op, catch(env, pcall(body_of(env, op, op[2]))))
end

--- Raises the error that was caught last.
function ops.rethrow(env)
  if env.caught then error(env.caught[1], 0) end
end

--- A <close> variable around a body: its handler is one too.
function ops.guard(env, op)
  local _ <close> = setmetatable({}, { __close = function(_, err)
    local _ <close> = env.api.in_handler and env.api.in_handler()
    log(env, op, "closes", err)
    exec(env, op[2])
  end })
  return exec(env, op[3])
end

--- A C function that cannot be suspended in between.
function ops.sort(env, op)
  table.sort({ 1, 2 }, function(a, b)
    exec(env, op[2])
    return a < b
  end)
end

function ops.raise(_, op)
  error("e" .. op.id, 0)
end

ops["return"] = function(env, op)
  if op[2] then return { n = 1, env.v[op[2]] } end
  return table.pack(values_of(op, op[3]))
end

-- -- the world -------------------------------------------------------------------------------------

function ops.advance(env, op)
  log(env, op, note(op, pcall(env.advance, op[2])))
end

function ops.step(env, op)
  log(env, op, note(op, pcall(env.api.step)))
end

function ops.inline(env, op)
  env.api.inline(op[2])
end

function ops.grace(env, op)
  env.api.grace(op[2])
end

function ops.drop(env, op)
  env.v[op[2]] = nil
end

function ops.collect()
  collectgarbage()
end

--- The status of all.
function ops.look(env, op)
  local list = {}
  for slot = 1, env.slots do
    list[slot] = env.v[slot] and env.v[slot]:status() or "-"
  end
  log(env, op, table.unpack(list))
end

-- -- a whole program -------------------------------------------------------------------------------

--- Failures that nobody handled, in no order: when garbage is reported is the collector's business.
function ops.reports(env, op)
  table.sort(env.reports)
  log(env, op, table.unpack(env.reports))
end

local function slot_of(env, d)
  for slot = 1, env.slots do
    if env.v[slot] == d then return slot end
  end
  return d and "?" or "nobody"
end

-- What on_unhandled is set to.
local function reporter(env, program)
  return function(err, _, d)
    if program.garbage then
      table.insert(env.reports, label.of({}, err))
    elseif not env.over and not program.quiet then
      env.t("unhandled", err, slot_of(env, d))
    end
  end
end

local function play(env, program)
  env.api.on_unhandled(reporter(env, program))
  exec(env, program)
  env.over = true
  return env.t.list
end

local function new_env(api, program)
  return {
    api = api,
    slots = program.slots,
    v = {}, -- Deferreds by slot
    all = setmetatable({}, { __mode = program.holds and "" or "v" }), -- that were ever in a slot
    t = label.trace(),
    reports = {},
    steps = 0,
    nested = 0,
  }
end

--- Numbers the operations in the order in which they are printed.
function run.number(program)
  local n = 0
  shape.each(program, function(op)
    n = n + 1
    op.id, op.skipped, op.raises = n, nil, nil
  end)
end

--- The trace of a program on the model; and true if it comes to what the model leaves open (README.md).
function run.model(model, program)
  model.reset()
  local env = new_env(model, program)
  env.advance = model.advance
  local trace = play(env, program)
  return trace, model.is_undecided(program.garbage)
end

-- Nothing of this program may live on in the next one.
local function clear(weir, env, clock)
  weir.inline(true)
  weir.clock(clock)
  for _, d in pairs(env.all) do
    pcall(d.cancel, d)
    if d.close then pcall(d.close, d) end
  end
  weir.on_unhandled(function() end)
  weir.step()
end

--- The trace of a program on the module.
function run.weir(weir, program)
  local clock = weir.Clock()
  local old_clock, old_handler, old_grace = weir.clock(clock), weir.on_unhandled(nil), weir.grace(5)
  local env = new_env(setmetatable({ raw_yield = coroutine.yield }, { __index = weir }), program)
  env.advance = function(seconds) clock:advance(seconds) end
  local trace = play(env, program)
  clear(weir, env, old_clock)
  weir.on_unhandled(old_handler)
  weir.grace(old_grace)
  return trace
end

return run
