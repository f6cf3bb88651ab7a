-- A timer of no time, armed by a callback in an advance, waits for the next call of advance: one from within another
-- callback of that advance passed over it.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 174", function()
  after_each(h.restore)

  it("7.2 it fires in the advance within", function()
    local clock, t = weir.Clock(), h.trace()
    clock:after(1):add_callback(function()
      t("one " .. clock:now())
      clock:after(0):add_callback(function() t("zero " .. clock:now()) end)
    end)
    clock:after(2):add_callback(function()
      t("two " .. clock:now())
      clock:advance(0.5)
      t("advanced " .. clock:now())
    end)
    clock:advance(5)
    t("end " .. clock:now())
    assert.same({ "one 1.0", "two 2.0", "zero 2.0", "advanced 2.5", "end 5.0" }, t:list())
  end)
end)
