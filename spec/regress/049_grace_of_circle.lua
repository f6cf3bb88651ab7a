local h = require "spec.helper"
local weir = require "weir"

describe("regression 049", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- The one at the top was closed; the circle below it was left for ever, as it waits on itself.
  it("5.6 grace ends a circle that was made in cleanup", function()
    local whole
    local part = weir.spawn(function()
      pcall(weir.await, weir.Deferred())
      weir.await(whole)
    end)
    whole = weir.succeed():add_callback(function() return part end)
    local top = weir.spawn(weir.await, whole)
    top:cancel(nil, 1)
    assert.equal("pending", whole:status())
    clock:advance(1)
    assert.same({ "cancelled", "cancelled", "cancelled" }, { top:status(), part:status(), whole:status() })
  end)

  it("5.7 what others wait on is left alone, if it is not being cancelled", function()
    local part = weir.spawn(weir.sleep, 5)
    local whole = weir.succeed():add_callback(function() return part end)
    local other, top = weir.spawn(weir.await, whole), weir.spawn(weir.await, whole)
    assert.is_true(top:close())
    assert.equal("waiting", part:status())
    clock:advance(5)
    assert.equal("success", other:status())
  end)
end)
