-- A timer of a manual clock that is the loop's, armed for the present instant, waits for the next advance: `run`, which
-- does not advance it, went round and round for ever.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 103: due on a manual clock", function()
  before_each(h.manual)
  after_each(h.restore)

  it("3.7 run raises a DeadlockError", function()
    for _, wait in ipairs { function() return weir.await(weir.after(0, "v")) end, function() weir.sleep(0) end } do
      assert.are.equal("DeadlockError", h.raised(weir.run, wait).name)
    end
  end)

  it("7.3 run without a function returns", function()
    local d = weir.after(0, "v")
    weir.run()
    assert.are.equal("pending", d:status())
    weir.clock():advance(0)
    assert.are.equal("v", d:result())
  end)
end)
