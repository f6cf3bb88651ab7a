local h = require "spec.helper"
local weir = require "weir"

describe("regression 034", function()
  local clock
  before_each(function() clock = h.manual() end)
  after_each(h.restore)

  -- It was reported without its Coroutine and without a traceback.
  it("8.1 an error of a handler that grace forced is reported with its Coroutine", function()
    local reports = h.unhandled()
    local function raise_here() error("in the handler", 0) end
    local co = weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() raise_here() end })
      pcall(weir.await, weir.Deferred())
      weir.await(weir.Deferred())
    end)
    co:cancel(nil, 1)
    clock:advance(1)
    weir.step()
    assert.equal(1, #reports)
    assert.equal("in the handler", reports[1].err)
    assert.equal(co, reports[1].d)
    assert.matches("raise_here", reports[1].traceback, 1, true)
  end)
end)
