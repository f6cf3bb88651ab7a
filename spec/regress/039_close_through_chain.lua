local h = require "spec.helper"
local weir = require "weir"

describe("regression 039", function()
  before_each(h.manual)
  after_each(h.restore)

  local function tells(t, name)
    return setmetatable({}, { __close = function() t(name) end })
  end

  -- What was chained was only cancelled, and that after the one that was closed.
  it("5.7 close ends from the inside out, through a chain too", function()
    local t, other = h.trace(), weir.Deferred()
    weir.spawn(function()
      local _ <close> = tells(t, "inner")
      weir.sleep(1)
    end):chain(other)
    local outer = weir.spawn(function()
      local _ <close> = tells(t, "outer")
      weir.await(other)
    end)
    other:add_errback(function(err)
      t "other"
      error(err, 0)
    end)
    assert.is_true(outer:close())
    assert.same({ "inner", "outer", "other" }, t:list())
  end)
end)
