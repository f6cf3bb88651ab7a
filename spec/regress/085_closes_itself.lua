-- From Lua 5.5 on coroutine.close ends the running coroutine, from any depth: C functions on its stack never return.
-- A coroutine of weir that did so crashed, and what weir had begun around a callback stayed begun for ever.
local weir = require "weir"
local h = require "spec.helper"

local can_close_itself = pcall(coroutine.wrap(function() coroutine.close(coroutine.running()) end))

local function close_myself()
  coroutine.close(coroutine.running())
end

-- The scheduler stands where it stood before: in the host, with nothing left open.
local function assert_sane()
  assert.is_nil(weir.current())
  local first, second, told = weir.Deferred(), weir.Deferred(), {}
  first:add_callback(function() second:callback() end)
  second:add_callback(function() told[1] = "second" end)
  first:callback()
  assert.are.same({ "second" }, told)
  assert.are.equal("ran", weir.run(function() weir.yield(); return "ran" end))
end

describe("regression 085: a coroutine closes itself", function()
  before_each(function() h.unhandled() end)
  after_each(function()
    assert_sane()
    h.restore()
  end)

  it("8.4 as the body, at once and behind a wait: it has failed", function()
    local at_once = weir.spawn(function() close_myself(); return "back" end)
    local gate = weir.Deferred()
    local later = weir.spawn(function() weir.await(gate); close_myself(); return "back" end)
    gate:callback()
    for _, co in ipairs { at_once, later } do
      assert.are.equal("failure", co:status())
      assert.matches(can_close_itself and "closed from outside" or "cannot close a running", h.raised(co.result, co))
    end
  end)

  it("8.4 as the body, with a handler that raises: its error is the failure", function()
    local co = weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() error("of the handler", 0) end })
      close_myself()
    end)
    assert.are.equal("of the handler", h.raised(co.result, co))
  end)

  it("8.4 in a callback that the body has fired: others that wait are told", function()
    local d, before = weir.Deferred(), weir.Deferred()
    local waiter = weir.spawn(weir.await, before)
    d:add_callback(function() before:callback("v"); close_myself() end)
    local co = weir.spawn(function() d:callback(); return "back" end)
    assert.are.equal("v", waiter:result())
    assert.are.equal(can_close_itself and "failure" or "success", co:status())
    co:add_errback(h.ignore)
    d:add_errback(h.ignore)
  end)

  it("8.4 in the first of two callbacks that its fire leads to: the second is called", function()
    local d, first, second, told = weir.Deferred(), weir.Deferred(), weir.Deferred(), {}
    d:chain(first):chain(second)
    first:add_callback(close_myself):add_errback(h.ignore)
    second:add_callback(function(v) told[1] = v end)
    weir.spawn(function() d:callback("v") end):add_errback(h.ignore)
    assert.are.same({ "v" }, told)
  end)

  it("8.4 a plain one in a callback, a canceller and a step: the host goes on", function()
    local answers = weir.Deferred(close_myself)
    local d, stepped = weir.Deferred(), weir.Deferred()
    d:add_callback(close_myself):add_errback(h.ignore)
    coroutine.wrap(function() d:callback() end)()
    coroutine.wrap(function() answers:cancel() end)()
    answers:add_errback(h.ignore)
    weir.spawn(function() weir.yield(); stepped:callback() end)
    stepped:add_callback(close_myself):add_errback(h.ignore)
    coroutine.wrap(function() weir.step(1) end)()
  end)

  it("8.4 a plain one inside a body: the body is still the running one, and can wait", function()
    local d = weir.Deferred()
    d:add_callback(close_myself):add_errback(h.ignore)
    local gate = weir.Deferred()
    local co = weir.spawn(function()
      coroutine.wrap(function() d:callback() end)()
      return weir.current() ~= nil, weir.await(gate)
    end)
    gate:callback("v")
    assert.are.same({ true, "v" }, { co:result() })
  end)
end)
