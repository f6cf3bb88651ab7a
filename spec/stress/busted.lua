-- For busted's --helper: a collection at every allocation while a test runs, see tools/stress.c. STRESS is the mode.
local busted = require "busted"
local stress = require "stress"

busted.subscribe({ "test", "start" }, function()
  collectgarbage(os.getenv "STRESS")
  stress(true)
  return nil, true
end, { priority = 1 })

busted.subscribe({ "test", "end" }, function()
  stress(false)
  return nil, true
end, { priority = 1 })
