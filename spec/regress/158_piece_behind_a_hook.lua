-- A piece was lost if a hook of the host's, in the call that hands it over, cancelled the one who waited for it.
local core = require "weir.core".functions
local weir = require "weir"
local h = require "spec.helper"

describe("regress 158", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  it("what nobody takes any more goes the slow way", function()
    local t, hooks = h.trace(), {}
    local flow = core.flow(hooks)
    local claim = core.claim(hooks)
    local put = core.putter(flow, function(...) t(table.pack(...)) end)
    core.flows(flow, claim)
    local co = weir.spawn(weir.await, claim)
    local calls = 0
    debug.sethook(function()
      calls = calls + 1
      if calls == 2 then
        debug.sethook()
        co:cancel()
      end
    end, "c")
    put(nil, "a")
    debug.sethook()
    assert.equal("cancelled", co:status())
    assert.same({ { n = 2, nil, "a" } }, t:list())
  end)
end)
