--- An await that has nothing to wait for.
local weir = require "weir"
local rawlen, await = rawlen, weir.await

local function awaits(n)
  local fired, value = weir.succeed(1), nil
  for _ = 1, n do
    value = await(fired)
  end
  assert(value == 1)
end

return {
  name = "await of a fired Deferred",
  n = 5000000,
  target = 1.5,
  workload = function(n)
    weir.run(awaits, n)
  end,
  baseline = function(n)
    local list, value = { true }, nil
    for _ = 1, n do
      value = rawlen(list)
    end
    assert(value == 1)
  end,
}
