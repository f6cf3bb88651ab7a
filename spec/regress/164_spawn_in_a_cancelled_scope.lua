-- A loop that takes what comes, and starts a coroutine of its scope for each, was cancelled in the turn in which
-- something had come: 5.8 gives it that, and scope:spawn raised that the scope is ending, which was reported as a
-- failure of the program.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 164", function()
  local unhandled
  before_each(function() unhandled = h.unhandled() end)
  after_each(h.restore)

  local function ignore() end

  -- One that is woken and then cancelled, before it runs.
  local function taken_and_cancelled(body)
    local queue = weir.Queue(10)
    local d = weir.scope(function(scope)
      for item in queue:iter() do body(scope, item) end
    end)
    local inline = weir.inline(false)
    queue:put(1)
    d:cancel "why"
    weir.inline(inline)
    weir.step()
    h.collect()
    weir.step()
    return d
  end

  local function assert_cancelled(d)
    local err = h.raised(d.result, d)
    assert.is_true(weir.is_cancelled(err))
    assert.equal("why", err.reason)
    assert.same({}, unhandled)
  end

  it("9.2 it is its own cancel that the loop gets", function()
    local seen = 0
    assert_cancelled(taken_and_cancelled(function(scope, item)
      seen = seen + item
      scope:spawn(ignore)
      seen = 10
    end))
    assert.equal(1, seen)
  end)

  it("5.8 if it is caught, the next wait is struck all the same", function()
    local errors = {}
    assert_cancelled(taken_and_cancelled(function(scope)
      for i = 1, 2 do errors[i] = h.raised(scope.spawn, scope, ignore) end
      errors[3] = h.raised(weir.await, weir.Deferred())
      error(errors[3], 0)
    end))
    assert.equal(3, #errors)
    assert.is_true(weir.is_cancelled(errors[1]))
    assert.is_true(rawequal(errors[1], errors[2]) and rawequal(errors[1], errors[3]))
  end)

  it("9.2 others hear that the scope is ending", function()
    local cleanup, scope = weir.Deferred(), nil
    local d = weir.scope(function(s)
      scope = s
      pcall(weir.await, weir.Deferred())
      assert.matches("is ending$", h.raised(s.spawn, s, ignore)) -- it has got its cancel
      weir.await(cleanup)
    end)
    d:cancel()
    assert.matches("is ending$", h.raised(scope.spawn, scope, ignore))
    local other = weir.spawn(function() return h.raised(scope.spawn, scope, ignore) end)
    assert.matches("is ending$", other:result())
    cleanup:callback()
  end)
end)
