-- A fire in a callback runs the hooks that are due, but a spawn there left them for later.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 066", function()
  before_each(h.manual)
  after_each(h.restore)

  local function told_behind(call)
    local t = h.trace()
    local d = weir.Deferred { pause = function() t "pause" end }
    local left, paused = weir.spawn(weir.await, d), weir.spawn(weir.await, d)
    paused:pause()
    left:add_errback(function()
      call()
      t "called"
    end)
    left:close()
    return t:list()
  end

  it("6.2 a spawn in a callback runs the hooks that are due, as a fire does", function()
    assert.are.same({ "pause", "called" }, told_behind(function() weir.Deferred():callback() end))
    assert.are.same({ "pause", "called" }, told_behind(function() weir.spawn(h.ignore) end))
  end)
end)
