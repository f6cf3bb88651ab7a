-- What had come for a part of race, any, all or settle before these were cancelled, but had not been told yet, was lost
-- by that; what a canceller answered behind it was not.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 129", function()
  local t
  before_each(function()
    h.manual()
    h.unhandled()
    t = h.trace()
  end)
  after_each(h.restore)

  local function first(list) return list[1] end

  local JOINS = {
    race = { function(d, more) return weir.race { d, more } end, function(x) return x end },
    any = { function(d, more) return weir.any { d, more } end, function(x) return x end },
    all = { function(d) return weir.all { d } end, first },
    settle = { function(d) return weir.settle { d } end, function(list) return list[1][2] end },
    nested = { function(d, more) return weir.race { weir.all { weir.race { d, more } } } end, first },
  }

  local function waiting(join, d, more)
    return weir.spawn(function()
      local ok, got = pcall(weir.await, join[1](d, more))
      t(ok)
      t(ok and join[2](got) or tostring(got))
      weir.sleep(1)
      t "never"
    end)
  end

  for name, join in pairs(JOINS) do
    describe(name, function()
      it("5.8 6.1 gets what came while it was held, before the cancel strikes", function()
        local d, more = weir.Deferred(), weir.Deferred(function() t "more is cancelled" end)
        local co = waiting(join, d, more):pause()
        d:callback "a connection"
        assert.same({}, t:list())
        co:cancel()
        local log = t:list()
        if log[1] == "more is cancelled" then table.remove(log, 1) end
        assert.same({ true, "a connection" }, log)
        assert.equal("cancelled", co:status())
      end)

      it("5.8 gets what a callback has seen that cancels it", function()
        local d, co = weir.Deferred(), nil
        d:add_callback(function(value)
          co:cancel()
          return value
        end)
        co = waiting(join, d, weir.Deferred())
        d:callback "a connection"
        assert.same({ true, "a connection" }, t:list())
        assert.equal("cancelled", co:status())
      end)

      it("5.2 is cancelled if nothing has come", function()
        local d = weir.Deferred(function() t "asked" end)
        local co = waiting(join, d, weir.Deferred()):pause()
        co:cancel()
        assert.same({ "asked", false, "CancelledError: cancelled" }, t:list())
        co:close()
      end)
    end)
  end

  it("5.2 all of which one part has come is cancelled, and the other part with it", function()
    local a, b = weir.Deferred(), weir.Deferred(function() t "asked" end)
    local co = waiting({ weir.all, first }, a, b)
    co:cancel()
    assert.same({}, t:list())
    t = h.trace()
    co = weir.spawn(function() t(pcall(weir.await, weir.all { a, b })) end):pause()
    a:callback "a"
    co:cancel()
    assert.same({ "asked", false }, t:list())
    assert.equal("cancelled", b:status())
  end)

  it("9.1 what comes for the losers of a race is still nobody's", function()
    local a, b, c = weir.Deferred(), weir.Deferred(), weir.Deferred()
    local race = weir.race { a, b, c }
    a:add_callback(function(value)
      b:callback "b"
      return value
    end)
    a:callback "a"
    assert.equal("b", race:result())
    assert.equal("cancelled", c:status())
  end)
end)
