--- A Deferred with three callbacks, fired.
local weir = require "weir"
local pcall, Deferred = pcall, weir.Deferred

local function increment(value)
  return value + 1
end

return {
  name = "Deferred, 3 callbacks, fire",
  n = 1000000,
  target = 1.5,
  workload = function(n)
    local sum = 0
    local function add(value)
      sum = sum + value
    end
    for i = 1, n do
      local d = Deferred()
      d:add_callback(increment)
      d:add_callback(increment)
      d:add_callback(add)
      d:callback(i)
    end
    assert(sum == n * (n + 1) // 2 + 2 * n)
  end,
  baseline = function(n)
    local sum = 0
    local function add(value)
      sum = sum + value
    end
    for i = 1, n do
      local list = { increment, increment, add }
      local ok, value = true, i
      for k = 1, #list do
        ok, value = pcall(list[k], value)
      end
      assert(ok)
    end
    assert(sum == n * (n + 1) // 2 + 2 * n)
  end,
}
