local h = require "spec.helper"
local weir = require "weir"

describe("regression 051", function()
  before_each(h.manual)
  after_each(h.restore)

  -- A handler that fired anything let it be told in its midst.
  it("5.7 what close has cancelled is told behind all handlers, whatever these do", function()
    local t, d, x = h.trace(), weir.Deferred(), weir.Deferred()
    d:add_errback(function() t "told" end)
    x:add_callback(function() t "x" end)
    local co = weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = function()
        t "in"
        x:callback()
        t "out"
      end })
      weir.await(d)
    end)
    co:close()
    assert.same({ "in", "x", "out", "told" }, t:list())
  end)

  it("6.2 a hook that is due because of a close runs behind all handlers too", function()
    local t = h.trace()
    local d = weir.Deferred { pause = function() t "hook" end }
    local held = weir.spawn(function() return d end):pause()
    local co = weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = function()
        t "in"
        weir.Deferred():callback()
        t "out"
      end })
      weir.await(d)
    end)
    co:close()
    assert.same({ "hook", "in", "out", "hook" }, t:list())
    held:unpause()
  end)
end)
