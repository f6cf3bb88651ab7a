-- noreturn, where it ends the old body by returning, needs room on the stack behind it. Without that the new body was
-- left for whichever coroutine ended next; and in the end wrote beyond the stack on which it lay.
local weir = require "weir"
local h = require "spec.helper"

local MOST = 1000000 -- LUAI_MAXSTACK: slots of a stack

-- As many variables as make a frame of about that size, and the hop behind.
local function new_body()
  local names = {}
  for i = 1, 180 do names[i] = "v" .. i end
  return assert(load(([[
    local weir, f, a = ...
    if a == "never" then local %s = 1 end
    weir.noreturn(f, a)
  ]]):format(table.concat(names, ","))))
end

describe("regression 146", function()
  before_each(h.unhandled)
  after_each(h.restore)

  it("4.1 either it runs, or nobody else runs it", function()
    local seen = {}
    for room = 225, 185, -1 do
      local ran = 0
      local function f(a)
        ran = ran + 1
        return a
      end
      local ok, co = pcall(weir.spawn, new_body(), weir, f, "hopped", table.unpack({}, 1, MOST - room))
      local hopped = ok and co:status() == "success"
      local other = weir.spawn(function() return "other" end)
      assert.same({ hopped and 1 or 0, "other" }, { ran, other:result() })
      seen[hopped] = true
      co, other = nil, nil -- luacheck: ignore
      if room % 10 == 0 then collectgarbage() end
    end
    assert.same({ [true] = true, [false] = true }, seen)
  end)
end)
