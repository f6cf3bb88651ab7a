-- What the specs of weir.cqueues share: a loop that cannot hang, a look at what is left behind.
local cq = require "weir.cqueues"
local cqueues = require "cqueues"
local h = require "spec.helper"
local pollers = require "weir.cqueues.pollers"
local weir = require "weir"

local PATIENCE = 30 -- seconds; only a spec that fails takes so long

local x = {}

--- cq.run, which fails instead of hanging.
function x.run(f, ...)
  return cq.run(function(...) return weir.await(weir.spawn(f, ...), PATIENCE) end, ...)
end

--- Goes on until nothing is left, as long as that takes.
function x.finish()
  local controller, over = cq.attach(), cqueues.monotime() + PATIENCE
  controller:wrap(function()
    while controller:count() > 1 do
      assert(cqueues.monotime() < over, "something is left")
      cqueues.poll()
    end
  end)
  cq.run()
end

--- Steps until f(...) says that it is enough; returns how often.
function x.steps_until(controller, f, ...)
  local n, over = 0, cqueues.monotime() + PATIENCE
  while not f(...) do
    assert(cqueues.monotime() < over, "too long")
    assert(controller:step(1))
    n = n + 1
  end
  return n
end

--- Inside a coroutine: sleeps until nobody waits for cqueues.
function x.sleep_until_idle()
  local over = cqueues.monotime() + PATIENCE
  repeat
    assert(cqueues.monotime() < over, "somebody waits for cqueues")
    weir.sleep(0.001)
  until not pollers.object()
end

--- Fails if a spec has left something in a controller that weir knows.
function x.assert_nothing_left()
  h.collect()
  weir.step()
  local object = pollers.object()
  local controller = cq.attach()
  controller:step(0)
  local n = controller:count()
  cq.detach()
  assert(not object, "somebody waits for cqueues")
  assert(n == 0, "left in the controller: " .. n)
end

return x
