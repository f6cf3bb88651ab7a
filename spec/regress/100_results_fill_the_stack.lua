-- As many results of a callback as fill the stack to its last place: what came behind took one more place than the
-- stack had. Only a Lua that checks the use of its C interface shows that.
local weir = require "weir"

describe("regression 100: results that fill the stack", function()
  it("2.3 as many as there may be, each is there", function()
    for n = 1, 300 do
      local list = { [n] = "v" }
      local d = weir.succeed():add_callback(function() return table.unpack(list, 1, n) end)
      assert.are.equal(n, select("#", d:result()))
      assert.are.equal("v", (select(n, d:result())))
    end
  end)
end)
