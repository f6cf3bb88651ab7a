local h = require "spec.helper"
local weir = require "weir"

describe("regression 017", function()
  -- A handler that has made a tail call has no name on the stack.
  it("4.5 noreturn in what a <close> handler calls by a tail call is an error", function()
    local ok, hopped, went_on
    h.inside(function()
      local function inner()
        ok = pcall(weir.noreturn, function() hopped = true end)
      end
      do
        local guard <close> = setmetatable({}, { __close = function() return inner() end })
        h.ignore(guard)
      end
      went_on = true
    end)
    assert.is_nil(hopped)
    assert.is_false(ok)
    assert.is_true(went_on)
  end)
end)
