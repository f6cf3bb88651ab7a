-- A program that is one function: `weir.run(f, ...)` where Twisted has react. There are no exit codes: what f
-- returns or raises comes out of run, and the program does with it what it likes.
local weir = require "weir"
local h = require "spec.helper"

local await = weir.await

-- The two kinds of main function: one returns its Deferred, the other awaits it.
local kinds = {
  { "returns a Deferred", function(d) return d end },
  { "awaits a Deferred", function(d) return await(d) end },
}

for _, kind in ipairs(kinds) do
  describe("twisted: run of a function that " .. kind[1], function()
    local finish = kind[2]
    local clock, t, driver

    before_each(function()
      clock, t = h.manual(), h.trace()
      h.unhandled()
    end)

    after_each(function()
      if driver then driver:cancel() end
      h.restore()
    end)

    -- Runs main, with a coroutine beside it that moves the clock a second at each pass.
    local function run(main, ...)
      return weir.run(function(...)
        driver = weir.spawn(function()
          while true do
            weir.yield()
            clock:advance(1)
          end
        end)
        return main(...)
      end, ...)
    end

    local function after(seconds, f)
      clock:after(seconds):add_callback(f)
    end

    local function assert_raised(expected, at, main)
      local reports = h.unhandled()
      assert.is_true(rawequal(expected, h.raised(run, main)))
      assert.equal(at, clock:now())
      driver:cancel()
      h.collect()
      weir.step()
      assert.same({}, reports)
    end

    it("7.3 lasts until that has fired, and no longer", function()
      assert.equal("value", run(function()
        local d = weir.Deferred()
        after(1, function() t "passed" end)
        after(2, function() d:callback("value") end)
        after(3, function() t "never" end)
        return finish(d)
      end))
      assert.same({ "passed" }, t:list())
      assert.equal(2, clock:now())
    end)

    it("7.3 is over at once if that has fired already", function()
      assert.equal("value", run(function() return finish(weir.succeed("value")) end))
      assert.equal(0, clock:now())
    end)

    it("7.3 raises a failure that comes later, and it is handled", function()
      local mine = {}
      assert_raised(mine, 1, function()
        local d = weir.Deferred()
        after(1, function() d:errback(mine) end)
        return finish(d)
      end)
    end)

    it("7.3 raises a failure that is there already at once, and it is handled", function()
      local mine = { code = 23 }
      assert_raised(mine, 0, function() return finish(weir.fail(mine)) end)
    end)

    it("7.3 passes the arguments", function()
      local function main(...) return finish(weir.succeed(...)) end
      assert.same({ n = 4, 1, nil, 3, nil }, table.pack(run(main, 1, nil, 3, nil)))
    end)

    it("7.3 is stopped by a cancel of its coroutine, and raises the cancel error", function()
      local err = h.raised(run, function()
        local me = weir.current()
        after(1, function() t(me:cancel("stop")) end)
        return finish(weir.Deferred(function() t "canceller" end))
      end)
      assert.is_true(weir.is_cancelled(err))
      assert.equal("stop", err.reason)
      assert.same({ "canceller", true }, t:list())
      assert.equal(1, clock:now())
    end)

    -- What the fire behind the cancel brings is dropped: the one late fire of rule 2.2.
    it("7.3 stays stopped though the Deferred is fired right behind the cancel", function()
      local err = h.raised(run, function()
        local me, d = weir.current(), weir.Deferred()
        after(1, function()
          t(me:cancel("stop"))
          t(pcall(d.callback, d, "late"))
        end)
        return finish(d)
      end)
      assert.equal("stop", err.reason)
      assert.same({ true, true }, t:list())
    end)

    it("3.7 raises a DeadlockError when nothing can fire it any more", function()
      local err = h.raised(weir.run, function()
        after(1, function() t "never" end)
        return finish(weir.Deferred())
      end)
      assert.equal("DeadlockError", err.name)
      assert.same({}, t:list())
    end)
  end)
end
