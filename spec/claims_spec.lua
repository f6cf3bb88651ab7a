-- What a coroutine acquires goes with it when a cancel strikes before it waits for that (contract 5.8 and 9.3).
local h = require "spec.helper"
local weir = require "weir"

describe("claims: a cancel that strikes at the wait for a place in line", function()
  local lock
  before_each(function()
    h.manual()
    lock = weir.Lock()
    lock:acquire()
  end)
  after_each(h.restore)

  -- Runs body in a coroutine that has been cancelled and does not know it yet.
  local function cancelled(body)
    local gate = weir.Deferred()
    local co = weir.spawn(function()
      weir.await(gate)
      return body()
    end)
    weir.spawn(function()
      gate:callback()
      co:cancel "reason"
    end)
    assert.equal("cancelled", co:status())
    return co
  end

  -- The next one gets it.
  local function assert_free()
    lock:release()
    assert.equal("success", lock:acquire():status())
  end

  it("9.3 of an await gives the place up", function()
    cancelled(function() weir.await(lock:acquire()) end)
    assert_free()
  end)

  it("9.3 of a raw yield does", function()
    cancelled(function() coroutine.yield(lock:acquire()) end)
    assert_free()
  end)

  it("9.3 of a return does", function()
    cancelled(function() return lock:acquire() end)
    assert_free()
  end)

  it("9.3 of a noreturn that was cancelled by a handler does", function()
    local co
    co = weir.spawn(function()
      weir.yield()
      local _ <close> = setmetatable({}, { __close = function() co:cancel() end })
      weir.noreturn(lock:acquire())
    end)
    weir.step()
    assert.equal("cancelled", co:status())
    assert_free()
  end)

  it("9.3 leaves the place to others who wait for it", function()
    local claim = lock:acquire()
    local other = weir.spawn(weir.await, claim)
    cancelled(function() weir.await(claim) end)
    lock:release()
    assert.equal(lock, other:result())
  end)

  it("5.2 is one error for both", function()
    local claim
    local co = cancelled(function()
      claim = lock:acquire()
      weir.await(claim)
    end)
    assert.equal(h.raised(co.result, co), h.raised(claim.result, claim))
  end)

  it("9.3 what it acquires and does not wait for is its own", function()
    local claim
    cancelled(function() claim = lock:acquire() end)
    lock:release()
    assert.equal(lock, claim:result())
  end)

  it("5.8 other Deferreds are not touched", function()
    local d = weir.Deferred(function() error "the canceller was called" end)
    cancelled(function() weir.await(d) end)
    assert.equal("pending", d:status())
  end)
end)
