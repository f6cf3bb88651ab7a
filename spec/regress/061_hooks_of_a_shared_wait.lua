-- A canceller was called when all hooks due so far had been. Some of them told of a hold that had gone for that
-- moment only: of what a part of the cancelled one left to others that are paused too.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 061: a cancel of what is made of parts", function()
  before_each(h.manual)
  after_each(h.restore)

  local function hooked(t, name)
    local function log(what) return function() t(what .. " " .. name) end end
    return weir.Deferred { cancel = log "cancel", pause = log "pause", unpause = log "unpause" }
  end

  it("6.3 tells nothing to what a paused one waits on as well", function()
    local t = h.trace()
    local leaf, own = hooked(t, "leaf"), hooked(t, "own")
    local all = weir.all { weir.spawn(weir.await, leaf), weir.spawn(weir.await, own) }
    local other = weir.spawn(weir.await, leaf)
    all:add_errback(h.ignore)
    all:pause()
    other:pause()
    assert.are.same({ "pause own", "pause leaf" }, t:list())
    all:cancel()
    assert.are.same({ "pause own", "pause leaf", "unpause own", "cancel own" }, t:list())
    other:unpause()
    assert.are.same({ "pause own", "pause leaf", "unpause own", "cancel own", "unpause leaf" }, t:list())
    assert.are.equal("pending", leaf:status())
  end)
end)
