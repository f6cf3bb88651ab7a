-- close wrote the number of a look where a Deferred that waits for another has since when it does.
local core = require("weir.core").functions
local weir = require "weir"
local h = require "spec.helper"

describe("regression 151", function()
  before_each(h.manual)
  after_each(h.restore)

  it("what it waits for, and how long, stays", function()
    local gate = weir.Deferred()
    local source = weir.spawn(function()
      pcall(weir.await, gate)
      pcall(weir.await, weir.Deferred())
    end)
    local d = weir.Deferred():add_callback(function() return source end)
    d:callback()
    local one = weir.spawn(weir.await, d)
    local other = weir.spawn(weir.await, d)
    d:cancel()
    assert.is_true(core.look(d).waited < 60)
    one:close()
    assert.is_true(core.look(d).waited < 60)
    assert.equal("waiting", other:status())
    source:close()
    assert.equal("cancelled", other:status())
  end)
end)
