-- What becomes of a function, as in Twisted's tests of ensureDeferred and fromCoroutine: no step lies between.
local weir = require "weir"
local h = require "spec.helper"

describe("twisted: from a function to a Deferred", function()
  before_each(h.manual)
  after_each(h.restore)

  it("3.1 a Coroutine and any other Deferred need no conversion: maybe passes them through as they are", function()
    local co = weir.spawn(weir.await, weir.Deferred())
    for _, d in ipairs { weir.Deferred(), weir.succeed(), co } do
      assert.is_true(weir.is_deferred(d))
      assert.is_true(rawequal(d, weir.maybe(function() return d end)))
    end
  end)

  it("3.1 the Coroutine of a body that never waits has succeeded when the call returns", function()
    local co = weir.spawn(function() return 1 end)
    assert.are.same({ "success", 1 }, { co:status(), co:result() })
  end)

  it("3.3 only a Deferred can be waited for: await, yield, shield and chain refuse the rest", function()
    local waits = { weir.await, function(x) coroutine.yield(x) end, weir.shield,
      function(x) weir.Deferred():chain(x) end }
    for _, thing in ipairs { "something", 1, true, {}, print, weir, coroutine.create(print) } do
      for _, wait in ipairs(waits) do
        local co = weir.spawn(function() return (pcall(wait, thing)) end)
        assert.are.equal("success", co:status())
        assert.is_false(co:result())
      end
    end
  end)

  it("3.3 a body that awaits a fired Deferred has ended when the call returns", function()
    local co = weir.spawn(function()
      local v = weir.await(weir.succeed("foo"))
      return v
    end)
    assert.are.same({ "success", "foo" }, { co:status(), co:result() })
  end)

  it("3.3 a body that yields a fired Deferred has ended when the call returns", function()
    local co = weir.spawn(function()
      local v = coroutine.yield(weir.succeed("foo"))
      return v
    end)
    assert.are.same({ "success", "foo" }, { co:status(), co:result() })
  end)

  it("3.1 any callable is a body, anything else an argument error at the call", function()
    assert.are.equal(2, weir.spawn(function(v) return v end, 2):result())
    local things = { 1, true, "f", weir, {}, coroutine.create(print), io.stdout, weir.Deferred(), n = 9 }
    for i = 1, things.n do
      assert.matches("bad argument #1 to '[%w_.]*spawn'", h.raised(weir.spawn, things[i]))
      assert.matches("bad argument #1 to '[%w_.]*coroutine'", h.raised(weir.coroutine, things[i]))
    end
  end)

  it("3.1 an ended Coroutine keeps neither its body nor its arguments, and is itself released", function()
    local weak = setmetatable({}, { __mode = "k" })
    local function make()
      local object = {}
      local function body(a) return #a end
      weak[object], weak[body] = true, true
      return weir.spawn(body, object)
    end
    local co = make()
    assert.is_true(h.released(weak))
    assert.are.equal(0, co:result())
    weak[co] = true
    co = nil -- luacheck: ignore
    assert.is_true(h.released(weak))
  end)
end)
