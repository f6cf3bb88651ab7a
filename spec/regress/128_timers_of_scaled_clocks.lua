-- Timers of a clock that follows another one came late, or out of order: what was armed for the present instant held up
-- all that was armed there, an advance within an advance did not reach them, and of equal deadlines those on the clock
-- that was armed last came last.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 128", function()
  local t
  before_each(function()
    h.unhandled()
    t = h.trace()
  end)
  after_each(h.restore)

  local KINDS = {
    { "itself", function(frame) return frame end },
    { "that follows it", function(frame) return weir.Clock { parent = frame } end },
    { "two below it", function(frame)
      return weir.Clock { parent = weir.Clock { parent = frame, speed = 4 }, speed = 0.25 }
    end },
  }

  for _, kind in ipairs(KINDS) do
    describe("on the clock " .. kind[1], function()
      local frame, clock
      before_each(function()
        frame = weir.Clock()
        clock = kind[2](frame)
      end)

      local function say(what) t(("%s at %g, %g"):format(what, frame:now(), clock:now())) end

      it("7.2 what is armed for the present instant holds up nobody", function()
        weir.spawn(function()
          clock:sleep(1)
          clock:sleep(0)
          say "slept 0"
        end)
        clock:after(7):add_callback(function() say "timer" end)
        frame:advance(20)
        say "again"
        frame:advance(30)
        assert.same({ "timer at 7, 7", "again at 20, 20", "slept 0 at 20, 20" }, t:list())
      end)

      it("7.2 an advance within an advance reaches what is armed", function()
        weir.spawn(function()
          clock:sleep(2)
          say "slept 2"
        end)
        weir.spawn(function()
          clock:sleep(1)
          frame:advance(1)
          say "advanced"
        end)
        frame:advance(1)
        say "over"
        assert.same({ "slept 2 at 2, 2", "advanced at 2, 2", "over at 2, 2" }, t:list())
      end)

      it("7.2 so does one within a callback", function()
        clock:after(1):add_callback(function()
          frame:advance(2)
          say "called"
        end)
        clock:after(3):add_callback(function() say "timer" end)
        clock:after(4):add_callback(function() say "last" end)
        frame:advance(1)
        say "over"
        frame:advance(1)
        assert.same({ "timer at 3, 3", "called at 3, 3", "over at 3, 3", "last at 4, 4" }, t:list())
      end)

      it("3.5 equal deadlines come in the order in which they were armed, on whichever clock", function()
        local other = weir.Clock { parent = frame, speed = 0.5 }
        for i = 1, 6 do
          local timer = i % 3 == 0 and frame:after(1) or i % 3 == 1 and clock:after(1) or other:after(0.5)
          timer:add_callback(function() t(i) end)
        end
        clock:after(2)
        other:after(100)
        frame:advance(1)
        assert.same({ 1, 2, 3, 4, 5, 6 }, t:list())
      end)

      it("7.2 armed for the present, held and freed, or cancelled, in one advance", function()
        clock:after(1):add_callback(function()
          local held, gone = clock:after(0), clock:after(0)
          held:add_callback(function() say "held" end)
          gone:add_errback(function() say "gone" end)
          clock:after(0):add_callback(function() say "next" end)
          held:pause():unpause()
          gone:cancel()
        end)
        frame:advance(2)
        say "over"
        frame:advance(0)
        assert.same({ "gone at 1, 1", "over at 2, 2", "next at 2, 2", "held at 2, 2" }, t:list())
      end)
    end)
  end

  it("7.2 what rounding takes for the present is armed for the present", function()
    local frame, n = weir.Clock(), 0
    frame:advance(2 ^ 40) -- in steps of some 0.0002
    local clock = weir.Clock { parent = weir.Clock { parent = frame, speed = 1 } }
    weir.spawn(function()
      while n < 100 do
        clock:sleep(1e-6)
        n = n + 1
      end
    end)
    for i = 1, 3 do
      frame:advance(0)
      assert.equal(i, n)
    end
  end)

  it("7.2 a clock that is stopped with what is armed for the present, and goes on later", function()
    local frame = weir.Clock()
    local middle = weir.Clock { parent = frame }
    local clock = weir.Clock { parent = middle }
    clock:after(1):add_callback(function()
      clock:after(0):add_callback(function() t("fired at " .. frame:now()) end)
    end)
    clock:after(1):add_callback(function() t "second" end)
    frame:after(1.5):add_callback(function() middle:pause() end)
    frame:after(1.6):add_callback(function() clock:pause() end)
    frame:after(1.7):add_callback(function() middle:unpause() end)
    frame:advance(5)
    frame:advance(5)
    assert.same({ "second" }, t:list())
    clock:unpause()
    frame:advance(5)
    assert.same({ "second", "fired at 10.0" }, t:list())
  end)
end)
