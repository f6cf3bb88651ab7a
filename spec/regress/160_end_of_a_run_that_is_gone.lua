-- A coroutine that outlived its luv.run or cq.run, which an error had ended, failed unheard; with weir out of the
-- controller by then that was an error of the library's own.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 160", function()
  local unhandled

  before_each(function() unhandled = h.unhandled() end)
  after_each(h.restore)

  local function fails_late(d)
    weir.await(d)
    error("own failure", 0)
  end

  local function assert_heard(d)
    d:callback()
    weir.step()
    h.collect()
    weir.step()
    assert.equal(1, #unhandled)
    assert.equal("own failure", unhandled[1].err)
  end

  it("luv.run", function()
    if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end
    local luv, d = require "weir.luv", weir.Deferred()
    assert.matches("DeadlockError", h.raised(luv.run, fails_late, d))
    luv.detach()
    assert_heard(d)
  end)

  it("cq.run", function()
    if not pcall(require, "cqueues") then return pending "cqueues is not installed" end
    local cq, d = require "weir.cqueues", weir.Deferred()
    assert.matches("DeadlockError", h.raised(cq.run, fails_late, d))
    cq.detach()
    assert_heard(d)
  end)
end)
