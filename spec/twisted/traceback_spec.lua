-- What Twisted promises of tracebacks that go from one function under inlineCallbacks to the next.
local weir = require "weir"
local h = require "spec.helper"
local frames = require "spec.frames"

local here = frames.here

describe("twisted: tracebacks", function()
  local clock, reports, at
  before_each(function()
    clock, reports, at = h.manual(), h.unhandled(), {}
  end)
  after_each(h.restore)

  -- Bodies, each with a line of its own. No tail calls: these leave no frame.
  local function failing()
    weir.sleep(1)
    at.raise = here(); error("marked", 0)
    return true
  end

  local function low(wait, inner)
    at.low = here(); wait(inner())
    return true
  end

  local function middle(wait, inner)
    at.middle = here(); wait(inner())
    return true
  end

  local function top(wait, inner)
    at.top = here(); wait(inner())
    return true
  end

  local function starting(body, wait, inner)
    return function() return weir.spawn(body, wait, inner) end
  end

  -- It has failed; the traceback and the one report of the failure have these frames and nothing of weir's own.
  local function assert_failed(co, stacks)
    assert.same(stacks, frames.of(co:traceback()))
    weir.step()
    assert.equal(1, #reports)
    assert.equal("marked", reports[1].err)
    assert.equal(co, reports[1].d)
    assert.equal(co:traceback(), reports[1].traceback)
  end

  for _, way in ipairs { { "yield", coroutine.yield }, { "await", weir.await } } do
    local name, wait = table.unpack(way)
    it("8.2 a failure has the stack of the one that failed, then of the one that waited (" .. name .. ")", function()
      local co = weir.spawn(top, wait, starting(failing))
      clock:advance(1)
      assert_failed(co, { { at.raise }, { at.top } })
    end)

    it("8.2 what was waited for and went well is not in the traceback of a later error (" .. name .. ")", function()
      local seen
      local co = weir.spawn(function()
        wait(weir.spawn(weir.sleep, 1))
        xpcall(failing, function() seen = debug.traceback() end)
        at.call = here(); failing()
        return true
      end)
      clock:advance(3)
      assert.is_nil(seen:find("awaited by", 1, true))
      assert_failed(co, { { at.raise, at.call } })
    end)

    it("8.2 an error from a callback, caught at a wait and raised again, keeps its stack (" .. name .. ")", function()
      local d = weir.Deferred():add_callback(function() at.raise = here(); error("marked", 0) end)
      weir.spawn(function() at.fire = here(); d:callback() end)
      local co = weir.spawn(function()
        local _, err = pcall(top, wait, function() return d end)
        at.again = here(); error(err, 0)
      end)
      assert_failed(co, { { at.raise, at.fire }, { at.again } })
    end)
  end

  for _, way in ipairs {
    { "yield", coroutine.yield, coroutine.yield },
    { "yield of await of yield", coroutine.yield, weir.await },
    { "await", weir.await, weir.await },
  } do
    local name, wait, other = table.unpack(way)
    it("8.2 a failure has the stacks of all four that it passed, the innermost first (" .. name .. ")", function()
      local third = starting(low, wait, starting(failing))
      local second = starting(middle, other, third)
      local co = weir.spawn(top, wait, second)
      clock:advance(1)
      assert_failed(co, { { at.raise }, { at.low }, { at.middle }, { at.top } })
    end)
  end
end)
