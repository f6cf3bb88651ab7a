-- weir.noreturn lets go of everything the old body held.
--
-- A state machine: process becomes state1 becomes state2, each with a big
-- object in a local variable. The Deferred that process() returned stays the
-- same all the time and is answered by state2; the objects of the earlier
-- states do not stay with it.

local weir = require "weir"

-- A weak table does not keep its values: what is still in it after a full
-- collection is held by somebody else.
local alive = setmetatable({}, { __mode = "v" })

local function big_object(owner)
  local object = {}
  for i = 1, 100000 do object[i] = i end
  alive[owner] = object
  return object
end

local machine -- what process() returned first

local function report(when)
  collectgarbage()
  local owners = {}
  for _, owner in ipairs { "process", "state1", "state2" } do
    if alive[owner] then owners[#owners + 1] = owner .. "'s object" end
  end
  print(("%-15s alive: %-17s the Deferred: %s"):format(
    when, owners[1] and table.concat(owners, ", ") or "nothing", machine:status()))
end

local state2 = weir.coroutine(function()
  report "state2 begins:"
  local object = big_object "state2"
  weir.sleep(0.1)
  report "state2 ends:"
  return ("state2's value (%d numbers)"):format(#object)
end)

local state1 = weir.coroutine(function(numbers)
  report "state1 begins:" -- process's object is gone, before any wait
  local object = big_object "state1"
  weir.sleep(0.1)
  report "state1 ends:"
  assert(#object == numbers)
  weir.noreturn(state2)
end)

local process = weir.coroutine(function()
  local object = big_object "process"
  weir.sleep(0.1)
  report "process ends:"
  -- `object` is a live local of a running function here. Only what is passed
  -- on outlives the call, and so does whoever awaits this coroutine.
  weir.noreturn(state1, #object)
end)

machine = process()
print("the waiter got: " .. weir.run(function()
  return weir.await(machine)
end))
report "at the end:"
