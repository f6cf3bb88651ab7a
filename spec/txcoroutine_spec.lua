-- The ten behaviours that txcoroutine, the Twisted library this module grew out of, checks for itself.
local weir = require "weir"
local h = require "spec.helper"
local inside = require "weir.busted".it

local function guard(f) return setmetatable({}, { __close = f }) end

describe("txcoroutine", function()
  local t
  before_each(function()
    h.manual()
    t = h.trace()
    h.unhandled()
  end)
  after_each(h.restore)

  it("6.1 a paused coroutine does not go on when its Deferred fires, but when it is unpaused", function()
    local gate = weir.Deferred()
    local co = weir.spawn(function() t(weir.await(gate)) end)
    co:pause()
    gate:callback("value")
    assert.same({}, t:list())
    assert.equal("paused", co:status())
    co:unpause()
    assert.same({ "value" }, t:list())
    assert.equal("success", co:status())
  end)

  it("5.2 a cancelled coroutine does not go on, though its Deferred is fired late", function()
    local gate = weir.Deferred()
    local co = weir.spawn(function()
      weir.await(gate)
      t "went on"
    end)
    co:cancel()
    assert.equal("cancelled", co:status())
    assert.has_no_error(function() gate:callback("late") end)
    assert.same({}, t:list())
  end)

  it("5.5 a cancel is seen at the wait and runs the cleanup there", function()
    local gate = weir.Deferred()
    local co = weir.spawn(function()
      local _ <close> = guard(function() t "closed" end)
      local ok, err = pcall(weir.await, gate)
      t(not ok and weir.is_cancelled(err) and "seen")
      error(err)
    end)
    co:cancel()
    assert.same({ "seen", "closed" }, t:list())
    assert.equal("cancelled", co:status())
  end)

  it("4.1 noreturn frees the caller's locals while the first Coroutine is pending", function()
    local gate1, gate2 = weir.Deferred(), weir.Deferred()
    local weak = setmetatable({}, { __mode = "k" })
    local function second()
      t "second"
      weir.await(gate2)
      return "outcome"
    end
    local co = weir.spawn(function()
      local big = {}
      weak[big] = true
      weir.await(gate1)
      weir.noreturn(second)
      t(big)
    end)
    assert.is_false(h.released(weak))
    gate1:callback()
    assert.same({ "second" }, t:list())
    assert.is_true(h.released(weak))
    assert.equal("waiting", co:status())
    gate2:callback()
    assert.equal("outcome", co:result())
    assert.same({ "second" }, t:list())
  end)

  it("4.3 recursion by noreturn goes as deep as it likes, where plain recursion overflows", function()
    local function triangle(n, sum)
      if n == 0 then return sum end
      weir.noreturn(triangle, n - 1, sum + n)
    end
    local function plain(n)
      if n == 0 then return 0 end
      return n + plain(n - 1)
    end
    for _, n in ipairs { 1, 10, 100 } do assert.equal(plain(n), weir.spawn(triangle, n, 0):result()) end
    local n = h.scale(1000000)
    assert.equal(n * (n + 1) // 2, weir.spawn(triangle, n, 0):result())
    assert.matches("stack overflow", h.raised(plain, 1000000))
  end)

  it("4.1 noreturn works behind an error that was caught", function()
    local co = weir.spawn(function()
      t(select(2, pcall(weir.await, weir.fail("caught"))))
      weir.noreturn(function()
        weir.await(weir.succeed())
        return "outcome"
      end)
    end)
    assert.same({ "caught" }, t:list())
    assert.equal("outcome", co:result())
  end)

  inside("4.2 noreturn to a coroutine function", function()
    local target = weir.coroutine(function()
      weir.yield()
      t "target"
      return "outcome"
    end)
    local co = weir.spawn(function()
      weir.yield()
      weir.noreturn(target)
      t "never"
    end)
    assert.equal("outcome", weir.await(co))
    assert.same({ "target" }, t:list())
  end)

  inside("4.2 noreturn to a plain function", function()
    local co = weir.spawn(function()
      weir.yield()
      weir.noreturn(function() return "outcome" end)
      t "never"
    end)
    assert.equal("outcome", weir.await(co))
    assert.same({}, t:list())
  end)

  it("6.1 pause, unpause and cancel work on a coroutine that waits for nothing", function()
    local co = weir.spawn(function()
      weir.yield()
      t "went on"
    end)
    co:pause()
    co:unpause()
    assert.is_true(co:cancel())
    assert.equal("cancelled", co:status())
    local ended = weir.spawn(function() end)
    ended:pause()
    ended:unpause()
    assert.is_false(ended:cancel())
    assert.equal("success", ended:status())
    assert.same({}, t:list())
  end)

  it("5.7 a cancelled coroutine does not keep what it last waited on", function()
    local weak = setmetatable({}, { __mode = "k" })
    local function start()
      local d = weir.Deferred()
      weak[d] = true
      return weir.spawn(function() weir.await(d) end)
    end
    local co = start()
    assert.is_false(h.released(weak))
    co:cancel()
    assert.is_true(h.released(weak))
    assert.equal("cancelled", co:status())
  end)
end)
