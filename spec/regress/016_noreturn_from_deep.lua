local weir = require "weir"

describe("regression 016", function()
  -- Every level of the stack was looked up from the top.
  it("4.1 noreturn from forty thousand calls deep takes no time that grows with the square", function()
    local depth = 40000
    local began = os.clock()
    local co = weir.spawn(function()
      local function down(n)
        if n == 0 then weir.noreturn(function() return "new body" end) end
        down(n - 1)
        return n
      end
      down(depth)
    end)
    assert.equal("new body", co:result())
    assert.is_true(os.clock() - began < 1)
  end)
end)
