-- lua5.4 spec/model/fuzz.lua N [seed]: N random programs on the model and on the module.
-- Tells of the first that differs, as a spec, and fails.
local check = require "spec.model.check"

local n = math.tointeger(arg[1]) or 20000
local seed = math.tointeger(arg[2]) or os.time() * 1000
local started = os.clock()

local found, at, undecided = check.without_collector(check.many, n, seed, math.tointeger(arg[3]))
if found then
  print(("-- seed %d\n%s"):format(at, check.report(found)))
  os.exit(1)
end
local took = os.clock() - started
print(("fuzz: %d programs, seeds %d to %d, %d undecided, %.0f s, %.0f a second"):format(
  n, seed, seed + n - 1, undecided, took, n / took))
