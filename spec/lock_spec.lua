-- Contract 9.3 and rules 5 and 6 for Lock. What it shares with the others is in line.lua and permits.lua.
local weir = require "weir"
local h = require "spec.helper"
local line = require "spec.line"
local permits = require "spec.permits"

local function taken()
  local lock = weir.Lock()
  lock:acquire()
  return lock
end

describe("Lock: its line:", function()
  line.specs {
    busy = taken,
    wait = function(lock) return lock:acquire() end,
    serve = function(lock) lock:release() end,
  }
end)

describe("Lock:", function()
  permits.specs("Lock", weir.Lock)
end)

describe("Lock: two of them", function()
  before_each(h.manual)
  after_each(h.restore)

  it("9.3 know nothing of each other", function()
    local a, b = taken(), weir.Lock()
    assert.are.equal("success", b:acquire():status())
    assert.are.equal("pending", a:acquire():status())
    b:release()
    assert.is_string(h.raised(b.release, b))
    assert.are.equal("pending", a:acquire():status())
  end)

  it("5.8 a cancel between two acquires leaves both free", function()
    local a, b = taken(), taken()
    local co = weir.spawn(function()
      local _ <close> = weir.await(a:acquire())
      local _ <close> = weir.await(b:acquire())
    end)
    line.before_they_run(function() a:release(); co:cancel() end)
    b:release()
    assert.are.same({ "success", "success" }, { a:acquire():status(), b:acquire():status() })
  end)

  it("3.7 taken in opposite orders by two coroutines are a deadlock that run finds", function()
    local a, b = weir.Lock(), weir.Lock()
    local function both(first, second)
      local _ <close> = weir.await(first:acquire())
      weir.yield()
      local _ <close> = weir.await(second:acquire())
    end
    local err = h.raised(weir.run, function()
      local other = weir.spawn(both, b, a)
      both(a, b)
      weir.await(other)
    end)
    assert.are.equal("DeadlockError", err.name)
  end)
end)
