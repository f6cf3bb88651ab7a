--- Runs one scenario of a file once, with one of its allocations failing. See main.c.
-- A file returns a list of scenarios: `prepare()` returns whatever the others get; `act(x)` is what has too little
-- memory; `check(x, ok, err)` is called with enough again, and fails if anything is lost or half done.
local arm, disarm = arm, disarm -- luacheck: globals arm disarm
local help = require "spec.oom.help"
local weir = require "weir"

-- Where what was not told is told: the loop goes on with what an error has left.
local function settle()
  for _ = 1, 5 do weir.step() end
end

-- Failures that nobody has handled may be that of memory, and no other.
local function watch_unhandled(list)
  weir.on_unhandled(function(err) list[#list + 1] = err end)
end

return function(file, number, n, all)
  local scenario = assert(loadfile(file))()[number]
  if not scenario then return nil end
  local unhandled = {}
  watch_unhandled(unhandled)
  local x = scenario.prepare and scenario.prepare()
  local act, pcall = scenario.act, pcall
  collectgarbage()
  arm(n, all)
  local ok, err = pcall(act, x)
  local failed = disarm()
  assert(ok or help.is_memory(err), err)
  assert(ok or failed, err)
  settle()
  if scenario.check then scenario.check(x, ok, err, failed) end
  collectgarbage()
  settle()
  for _, one in ipairs(unhandled) do
    assert(help.is_allowed(one, x and x.allowed), one)
    assert(failed or not help.is_memory(one))
  end
  return failed
end
