--- A coroutine started from the host whose body returns at once.
local weir = require "weir"
local plain = require "plain"
local spawn = weir.spawn

return {
  name = "spawn from the host",
  n = 1000000,
  target = 0.5,
  baseline = plain.spawn,
  workload = function(n)
    local body = plain.empty
    for _ = 1, n do
      spawn(body)
    end
  end,
}
