local h = require "spec.helper"
local weir = require "weir"

describe("regression 018", function()
  after_each(h.restore)

  -- It slept until a deadline that only an advance could bring, again and again.
  it("3.7 run raises DeadlockError if only a manual clock could go on", function()
    h.manual()
    local err = h.raised(weir.run, function() weir.sleep(0.01) end)
    assert.equal("DeadlockError", err.name)
  end)
end)
