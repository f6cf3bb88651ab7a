-- Of parts that had ended already, the first could change another one, by the canceller of a third: then race, any, all
-- and map raised an error of the library's.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 170", function()
  after_each(h.restore)

  local function parts(first)
    local ended = weir.succeed "e"
    local loser = weir.Deferred(function() ended:add_callback(function() return weir.Deferred() end) end)
    return { first, loser, ended }
  end

  for _, name in ipairs { "race", "any" } do
    it("9.1 " .. name .. " has the first", function()
      assert.equal(1, weir[name](parts(weir.succeed(1))):result())
    end)
  end

  it("9.1 all and map fail", function()
    for _, d in ipairs { weir.all(parts(weir.fail "F")), weir.map(parts(weir.fail "F"), function() end) } do
      assert.equal("F", h.raised(d.result, d))
    end
  end)
end)
