--- A coroutine started and awaited by another one.
local weir = require "weir"
local plain = require "plain"
local spawn, await = weir.spawn, weir.await

local function parent(n)
  local body = plain.empty
  for _ = 1, n do
    await(spawn(body))
  end
end

return {
  name = "spawn + await in a coroutine",
  n = 1000000,
  target = 0.75,
  baseline = plain.spawn,
  workload = function(n)
    weir.run(parent, n)
  end,
}
