-- Functions that are written in Lua did not take what can be called if its metatable is protected, and named no types
-- of userdata.
local h = require "spec.helper"
local weir = require "weir"

describe("regression 145", function()
  after_each(h.restore)

  local function locked(meta)
    meta.__metatable = meta.__metatable or "locked"
    return setmetatable({}, meta)
  end

  it("all take it", function()
    local f = locked { __call = function(_, x) return x end }
    assert.equal(1, weir.maybe(f, 1):result())
    assert.is_table(h.inside(weir.map, { 1 }, f))
    assert.equal(2, h.inside(function()
      return weir.await(weir.scope(locked { __call = function(_, s) return weir.await(s:spawn(f, 2)) end }))
    end))
    assert.equal(3, weir.Lock():run(f, 3):result())
    weir.every(1, f):cancel()
  end)

  it("8.4 but nothing that only looks like it", function()
    local f = locked { __metatable = { __call = true } }
    assert.is_truthy(h.raised(weir.every, 1, f):find("function expected, got table", 1, true))
  end)

  it("8.4 types have their names", function()
    local function message(...) return (h.raised(...):gsub("^%S+:%d+: ", "")) end
    assert.equal("bad argument #1 to 'all' (table expected, got weir.Deferred)", message(weir.all, weir.Deferred()))
    assert.equal("bad argument #1 to 'Queue' (number expected, got Lock)", message(weir.Queue, weir.Lock()))
    assert.equal("calling 'acquire' on bad self (Lock expected, got Event)", message(weir.Lock().acquire, weir.Event()))
    assert.equal("bad argument #1 to 'all' (table expected, got no value)", message(weir.all))
  end)
end)
