--- Pause and unpause of a chain: what is not held goes on.
local help = require "spec.oom.help"
local weir = require "weir"

local function chain(depth)
  return {
    prepare = function()
      local x = { d = weir.Deferred(), list = {} }
      local last = x.d
      for i = 1, depth do
        local below = last
        last = weir.spawn(function() return (weir.await(below)) end)
        x.list[i] = last
      end
      x.top = last
      return x
    end,
    act = function(x)
      x.top:pause()
      x.d:callback(1)
      weir.step()
      x.top:unpause()
    end,
    check = function(x)
      pcall(x.top.unpause, x.top)
      help.fire_again(x.d, 1)
      help.assert_all_told(x.list)
      help.assert_works()
    end,
  }
end

return { chain(1), chain(150) }
