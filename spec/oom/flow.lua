--- Pieces that are handed to one who waits for each: none comes twice or out of order, and whoever waits goes on.
local core = require "weir.core".functions
local help = require "spec.oom.help"
local weir = require "weir"

local PIECES = 6

local function open(x)
  x.claim = core.claim({}, x.claim)
  core.flows(x.flow, x.claim, x.take)
  return x.claim
end

local function read(x)
  local piece = weir.await(open(x))
  while piece do
    x.got[#x.got + 1] = tonumber(piece)
    piece = x.take()
  end
end

local function putting(call)
  return {
    prepare = function()
      local x = { got = {}, slow = {}, flow = core.flow {} }
      x.take = core.taker(x.flow, function() return weir.await(open(x)) end)
      x.put = core.putter(x.flow, function(err, _, what)
        if what == "failed" then x.err = err end
      end)
      return x
    end,
    act = function(x)
      x.co = weir.spawn(read, x)
      for i = 1, PIECES do call(x, tostring(i)) end
    end,
    check = function(x)
      weir.step()
      for i = 2, #x.got do assert(x.got[i - 1] < x.got[i], "out of order, or twice") end
      assert(x.err == nil or help.is_memory(x.err), x.err)
      if x.co then
        x.co:cancel()
        weir.step()
        help.assert_told(x.co, "cancelled")
      end
      help.assert_works()
    end,
  }
end

return {
  putting(function(x, piece) x.put(nil, piece) end),
  putting(function(x, piece) pcall(x.put, nil, piece) end),
  putting(function(x, piece)
    weir.spawn(x.put, nil, piece)
    weir.step()
  end),
}
