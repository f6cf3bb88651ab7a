-- A scope looked at the outcome of its body, and of the first child that failed, when it ended: a callback of theirs
-- that came meanwhile changed what the scope ended with, took a failure away, or had it fail with an error of the
-- library's.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 168", function()
  before_each(h.manual)
  after_each(h.restore)

  local CALLBACKS = {
    ["returns a Deferred"] = function() return weir.Deferred() end,
    ["returns a value"] = function() return 2 end,
    ["raises"] = function() error("callback fails", 0) end,
  }
  for what, f in pairs(CALLBACKS) do
    it("9.2 the body's values, though a callback " .. what, function()
      local unhandled = h.unhandled()
      local gate, body = weir.Deferred(), nil
      local d = weir.scope(function(scope)
        body = weir.current()
        scope:spawn(weir.await, gate)
        return 1, nil, 3
      end)
      body:add_callback(f)
      gate:callback()
      assert.same({ 1, nil, 3, n = 3 }, table.pack(d:result()))
      body:add_errback(function() end)
      weir.step()
      assert.same({}, unhandled)
    end)

    it("9.2 the first failure, though an errback " .. what, function()
      local clock, unhandled, child = h.manual(), h.unhandled(), nil
      local d = weir.scope(function(scope)
        scope:spawn(function()
          local _ <close> = setmetatable({}, { __close = function() weir.sleep(1) end })
          weir.sleep(60)
        end)
        child = scope:spawn(error, "E", 0)
      end)
      child:add_errback(f)
      clock:advance(1)
      assert.equal("E", h.raised(d.result, d))
      child:add_errback(function() end)
      weir.step()
      assert.same({}, unhandled)
    end)
  end

  it("8.1 the failure has its traceback still", function()
    local reports, gate = h.unhandled(), weir.Deferred()
    weir.scope(function(scope)
      scope:spawn(function()
        local _ <close> = setmetatable({}, { __close = function() weir.await(gate) end })
        weir.await(weir.Deferred())
      end)
      scope:spawn(function() error "with a place" end)
    end)
    gate:callback()
    weir.step()
    assert.equal(1, #reports)
    assert.matches("with a place", reports[1].err)
    assert.matches("168_outcomes_of_a_scope", reports[1].traceback)
  end)
end)
