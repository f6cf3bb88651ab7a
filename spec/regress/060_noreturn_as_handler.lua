-- Only what stood above noreturn was looked at, not whether it was the handler itself: the body went on elsewhere.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 060: noreturn", function()
  it("4.5 as the <close> handler itself is refused", function()
    local t = h.trace()
    local co = weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = weir.noreturn, __call = function() t "never" end })
    end)
    assert.are.equal("failure", co:status())
    assert.matches("attempt to noreturn inside a <close> handler", h.raised(co.result, co))
    assert.are.same({}, t:list())
  end)

  it("4.1 of something callable is not, though it has a handler", function()
    local target = setmetatable({}, { __close = h.ignore, __call = function(_, ...) return ... end })
    local co = weir.spawn(function() weir.noreturn(target, 1, nil) end)
    assert.are.same({ n = 2, 1, nil }, table.pack(co:result()))
  end)
end)
