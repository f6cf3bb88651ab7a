local frames = require "spec.frames"
local h = require "spec.helper"
local weir = require "weir"

describe("regression 043", function()
  local clock
  before_each(function()
    clock = h.manual()
    h.unhandled()
  end)
  after_each(h.restore)

  -- The wait in between made it forget.
  it("8.2 an error that was caught, and raised again behind a wait, keeps where it came from", function()
    local first, again
    local failed = weir.spawn(function() first = frames.here(); error("kept", 0); return true end)
    local co = weir.spawn(function()
      local _, err = pcall(weir.await, failed)
      weir.sleep(1)
      again = frames.here(); error(err, 0)
      return true
    end)
    clock:advance(1)
    assert.same({ { first }, { again } }, frames.of(co:traceback()))
  end)

  it("4.1 what a coroutine has seen is let go at a noreturn", function()
    local weak = setmetatable({}, { __mode = "v" })
    local co = weir.spawn(function()
      pcall(weir.await, weir.spawn(function()
        weak[1] = { "an error" }
        error(weak[1])
      end))
      weir.noreturn(weir.sleep, 1)
    end)
    assert.is_true(h.released(weak))
    assert.equal("waiting", co:status())
  end)
end)
