-- programs.lua MODE N NAME...: N random programs of spec/model, and the scenarios of spec/oom/NAME.lua without a
-- shortage, with a collection at every allocation. What they do is what they do without. See tools/stress.c.
local stress = require "stress"
local check = require "spec.model.check"
local program = require "spec.model.program"

local MODE, N = arg[1], tonumber(arg[2])
local STAGE = 7 -- programs that collect are not compared

local function with_stress(f, ...)
  collectgarbage(MODE)
  stress(true)
  local results = table.pack(pcall(f, ...))
  stress(false)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

local different = 0
for seed = 1, N do
  local list = program.generate(seed, STAGE)
  list.holds = true
  if with_stress(check.run, list) == "different" then
    different = different + 1
    print(("seed %d differs:\n%s"):format(seed, check.report(list)))
  end
end

-- What is to have too little memory has it between these two.
arm = function() collectgarbage(MODE); stress(true) end -- luacheck: globals arm
disarm = function() stress(false); return false end -- luacheck: globals disarm

local scenarios = 0
local run = dofile "spec/oom/run.lua"
for _, name in ipairs { table.unpack(arg, 3) } do
  local number = 1
  while run(("spec/oom/%s.lua"):format(name), number, 0, false) ~= nil do
    number, scenarios = number + 1, scenarios + 1
  end
end
print(("gc-stress, %s: %d programs, %d differ; %d scenarios"):format(MODE, N, different, scenarios))
os.exit(different == 0, true)
