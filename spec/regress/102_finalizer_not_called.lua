-- At the end of the C stack Lua cannot call a finalizer: it gives a warning, and frees the object in the next cycle.
-- So it does when the debug library has taken the metatable away. Lists of coroutines and of failures went through
-- what was freed then.
local weir = require "weir"
local h = require "spec.helper"

-- At each depth of C calls: what `make` makes is collected there, with one or no call in between.
local function collect_everywhere(make)
  local function deeper()
    for _, collect in ipairs { collectgarbage, function() pcall(collectgarbage) end } do
      make()
      pcall(string.gsub, "x", "x", function() collect() end)
      make()
      pcall(string.gsub, "x", "x", collect)
      make()
      collect()
    end
    pcall(string.gsub, "x", "x", function() deeper() end)
  end
  local mode = collectgarbage "incremental"
  collectgarbage "stop"
  deeper()
  collectgarbage "restart"
  collectgarbage(mode)
end

local function assert_alive()
  local list = {}
  for i = 1, 100 do list[i] = weir.spawn(weir.await, weir.Deferred()) end
  h.collect()
  weir.step()
  local ok, err = pcall(weir.run, weir.await, list[100])
  assert.is_false(ok)
  assert.are.equal("DeadlockError", err.name)
  for i = 1, 100 do list[i]:cancel() end
  weir.fail("reported")
  h.collect()
  weir.step()
end

describe("regression 102: a finalizer that is not called", function()
  before_each(function()
    h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  it("8.4 of a failure that nobody has handled", function()
    collect_everywhere(function() weir.Deferred():errback("lost") end)
    assert_alive()
  end)

  it("8.4 of a coroutine that nothing can reach", function()
    collect_everywhere(function() weir.spawn(weir.await, weir.Deferred()) end)
    assert_alive()
  end)

  it("8.4 of a clock with timers", function()
    collect_everywhere(function()
      local clock = weir.Clock { speed = 2 }
      clock:timeout(weir.Deferred(), 1)
      weir.spawn(clock.sleep, clock, 1)
    end)
    assert_alive()
  end)

  it("8.4 of a coroutine whose metatable is gone", function()
    for _ = 1, 100 do
      debug.setmetatable(weir.spawn(weir.await, weir.Deferred()), nil)
    end
    h.collect()
    assert_alive()
  end)

  it("3.7 one that was found by the collector and cleans up is still told of", function()
    local gate = weir.Deferred()
    weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() weir.await(gate) end })
      weir.await(weir.Deferred())
    end)
    h.collect()
    weir.step()
    local ok, err = pcall(weir.run, weir.await, gate)
    assert.is_false(ok)
    local _, coroutines = tostring(err):gsub("Coroutine", "")
    assert.is_true(coroutines >= 3, tostring(err))
    gate:callback()
  end)
end)
