-- Where Lua lets a coroutine close itself (5.5), a call was guarded that could not be made, at the end of the C stack,
-- and the end of the guard could not be called either: the next one found what had been on the stack.
local weir = require "weir"
local h = require "spec.helper"
local works = require "spec.works"

describe("regress 121", function()
  before_each(h.unhandled)
  after_each(h.restore)

  local ways = {
    ["a canceller"] = function(deep) weir.Deferred(deep):cancel() end,
    ["a callback"] = function(deep) weir.succeed():add_callback(deep) end,
    ["a hook of pause"] = function(deep) weir.Deferred { pause = deep }:pause() end,
    ["a canceller, in a callback"] = function(deep)
      weir.succeed():add_callback(function() weir.Deferred(deep):cancel() end)
    end,
  }
  for name, way in pairs(ways) do
    it(name .. ", nested to the end of the C stack, leaves all as it was", function()
      for padding = 0, 7 do
        local depth = 0
        local function deep()
          depth = depth + 1
          if depth < 300 then way(deep) end
        end
        local function pad(n)
          if n == 0 then return deep() end
          pcall(pad, n - 1)
        end
        local co = weir.spawn(function()
          pcall(pad, padding)
          weir.yield()
          pcall(pad, 0)
          return "end"
        end)
        weir.step()
        assert.equal("end", co:result())
        assert.is_true(depth > 5)
        works()
      end
    end)
  end
end)
