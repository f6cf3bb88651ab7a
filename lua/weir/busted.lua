--- `it`, `before_each` and their like for busted, with bodies that run in a coroutine; see docs/busted.md.
local busted = require "busted"
local check = require "weir.check"
local core = require "weir.core".functions
local trial = require "weir.trial"
local verdict = require "weir.verdict"

local LIMIT = 10 -- seconds

-- Parts of a test, and what is around several.
local PARTS = { before_each = "before_each", it = "it", spec = "it", test = "it", after_each = "after_each" }
local AROUND = { "setup", "teardown", "strict_setup", "strict_teardown", "lazy_setup", "lazy_teardown" }

-- The test that is under way: its `trial`; `seen`, the parts that have run; `begun`, busted has begun with the `it`;
-- `ran`, that was ours; `finally`, one is to come; `failed`, something has been told; `over`, nothing is to come.
local test
-- Of the `it` that busted is at: how many parts after_each of ours come behind it, and its name.
local to_come, full_name = 0, "before_each"
local is_after = setmetatable({}, { __mode = "k" }) -- functions that are such parts

-- ---- running ----

local function run_body(part, its_trial)
  local options = part.options
  local loop = options.run or (options.clock == "real" and core.run) or nil
  return its_trial:run(part.name, part.body, { limit = options.limit, loop = loop })
end

local function is_of_another(part)
  return not test or test.over or (part.kind == "it" and test.ran) or
    (part.kind == "before_each" and (test.begun or test.seen[part]))
end

local function test_of(part)
  if is_of_another(part) then
    if test and not test.over then test.trial:clear() end
    test = { trial = trial.new(busted.monotime), seen = {} }
  end
  test.seen[part] = true
  test.ran = test.ran or part.kind == "it"
  return test
end

local function is_last(self, part)
  if part.kind == "finally" then self.finally = false end
  if part.kind == "after_each" then to_come = to_come - 1 end
  return part.kind ~= "before_each" and not self.finally and to_come <= 0
end

-- Nothing more is to come of the test: ends what is left of it. Returns what is to be said of that.
local function sweep(self)
  local texts = verdict.of_left(self.trial:left(), full_name)
  self.over = true
  self.trial:clear()
  return self.failed and {} or texts
end

local function append(texts, more)
  table.move(more, 1, #more, #texts + 1, texts)
end

local function run_part(part)
  local self, texts = test_of(part), {}
  local outcome = run_body(part, self.trial)
  self.failed = self.failed or not outcome.ok
  local left = is_last(self, part) and sweep(self) or {}
  if outcome.late then texts[1] = verdict.of_late(outcome, part.options.limit) end
  append(texts, verdict.of_reports(self.trial:take_reports()))
  append(texts, left)
  self.failed = self.failed or #texts > 0
  verdict.raise(outcome, texts, verdict.place_of(part.body))
end

-- What it starts may stay.
local function run_around(part)
  local own, texts = trial.new(busted.monotime), {}
  local outcome = run_body(part, own)
  if outcome.late then texts[1] = verdict.of_late(outcome, part.options.limit) end
  append(texts, verdict.of_reports(own:take_reports()))
  verdict.raise(outcome, texts, verdict.place_of(part.body))
end

-- ---- giving it to busted ----

local function env_of(f)
  local i = 0
  repeat
    i = i + 1
    local name, value = debug.getupvalue(f, i)
    if name == "_ENV" then return value end
  until not name
  return _G
end

-- busted looks at the _ENV of what it is given, so ours is that of the body.
local function function_of(part, run)
  local globals = env_of(part.body)
  local _ENV = globals
  return function()
    return run(part, _ENV)
  end
end

-- What the body gives to `finally` is a part, too.
local function catch_finally(part, globals)
  local add = rawequal(globals, _G) and nil or globals.finally
  if not add then return end
  globals.finally = function(f)
    if type(f) ~= "function" then return add(f) end
    test.finally = true
    return add(function() run_part { kind = "finally", name = "finally", body = f, options = part.options } end)
  end
end

local function run_in_test(part, globals)
  if part.kind == "it" then catch_finally(part, globals) end
  run_part(part)
end

-- As busted has it: with a name, without, or with the body in a second call. By tail calls, since busted looks who has
-- called it.
local function registering(register, kind, wrap)
  return function(name, f)
    if core.current() then error(("'%s' inside of a test"):format(kind), 2) end
    if f then return register(name, wrap(f, name)) end
    if type(name) == "function" then return register(wrap(name)) end
    return function(body) return register(name, wrap(body, name)) end
  end
end

local function wrapping(kind, run, options)
  return function(body, name)
    local f = function_of({ kind = kind, name = name or kind, body = body, options = options }, run)
    if kind == "after_each" then is_after[f] = true end
    return f
  end
end

-- ---- what busted tells ----

local function count_after(context)
  local n = 0
  while context do
    for _, element in ipairs(context.after_each or {}) do
      if is_after[element.run] then n = n + 1 end
    end
    context = busted.parent(context)
  end
  return n
end

local function full_name_of(element)
  local names = {}
  while element and element.descriptor ~= "file" do
    table.insert(names, 1, element.name or element.descriptor)
    element = busted.parent(element)
  end
  return table.concat(names, " ")
end

local function on_test(element, parent)
  if test then test.begun = true end
  to_come, full_name = count_after(parent), full_name_of(element)
  return nil, true
end

local listening

local function listen()
  listening = listening or busted.subscribe({ "test", "start" }, on_test)
end

local function stop_listening()
  if listening then busted.unsubscribe(listening.id, { "test", "start" }) end
  listening = nil
end

-- As a rule busted loads this anew for each file that wants it.
local function listen_in_files(module)
  busted.subscribe({ "file", "start" }, function()
    if package.loaded["weir.busted"] == module then listen() end
    return nil, true
  end)
  busted.subscribe({ "file", "end" }, function()
    stop_listening()
    return nil, true
  end)
  listen()
end

-- ---- the module ----

local OPTIONS = { clock = true, limit = true, run = true }

local function check_options(options)
  for name in pairs(options) do
    check.that(OPTIONS[name], 1, "busted", ("unknown option '%s'"):format(name))
  end
  local clock, limit = options.clock, options.limit
  check.that(clock == nil or clock == "manual" or clock == "real", 1, "busted", "clock must be 'manual' or 'real'")
  check.that(limit == nil or (type(limit) == "number" and limit > 0), 1, "busted", "limit must be a time above 0")
  if options.run ~= nil then check.callable(options.run, 1, "busted") end
end

local with

local function new(options)
  local module = {}
  for name, kind in pairs(PARTS) do
    module[name] = registering(busted[name], name, wrapping(kind, run_in_test, options))
  end
  for _, name in ipairs(AROUND) do
    module[name] = registering(busted[name], name, wrapping(name, run_around, options))
  end
  return setmetatable(module, { __call = with })
end

--- @param options `clock`: "manual", the default, or "real"; `limit`: seconds of real time for each body; `run`: a
--- function like `weir.run`, of a loop that has a time of its own
--- @return a table like this module, with these options
function with(_, options)
  check.that(type(options) == "table", 1, "busted", "table expected")
  check_options(options)
  return new { clock = options.clock, limit = options.limit or LIMIT, run = options.run }
end

local module = new { limit = LIMIT }
listen_in_files(module)
return module
