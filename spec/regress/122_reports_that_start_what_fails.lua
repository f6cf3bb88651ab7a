-- A hook of unhandled failures starts a coroutine, which fails; the collector finds that while it runs, and calls the
-- hook: each ran in the turn that was under way, which never ended.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 122", function()
  before_each(h.unhandled)
  after_each(h.restore)

  local MOST = 10 -- it does end, if it is broken

  local function fail_and_find()
    weir.spawn(error, "lost", 0)
    collectgarbage()
    collectgarbage()
  end

  local function find_in_a_turn(start)
    local told, started, log = 0, 0, {}
    weir.on_unhandled(function()
      told = told + 1
      if told < MOST then
        start(function()
          started = started + 1
          fail_and_find()
        end)
      end
    end)
    weir.spawn(function()
      weir.yield()
      fail_and_find()
      log[1] = told .. " told, " .. started .. " started"
    end)
    for i = 2, 4 do
      weir.step()
      log[i] = told .. " told, " .. started .. " started"
    end
    return log
  end

  it("what a report starts in a turn runs in the next pass", function()
    assert.same({ "1 told, 0 started", "1 told, 0 started", "2 told, 1 started", "3 told, 2 started" },
      find_in_a_turn(weir.spawn))
  end)

  it("so does what it wakes", function()
    local function wake(f)
      local go = weir.Deferred()
      weir.spawn(function()
        weir.await(go)
        f()
      end)
      go:callback()
    end
    assert.same({ "1 told, 0 started", "1 told, 0 started", "2 told, 1 started", "3 told, 2 started" },
      find_in_a_turn(wake))
  end)

  it("what was ready before does not wait for that", function()
    local log, go = {}, weir.Deferred()
    weir.on_unhandled(function() weir.spawn(function() log[#log + 1] = "started" end) end)
    weir.spawn(function()
      weir.await(go)
      log[#log + 1] = "ready"
    end)
    weir.spawn(function()
      weir.yield()
      weir.spawn(error, "lost", 0)
      go:callback()
      collectgarbage()
      collectgarbage()
      log[#log + 1] = "told"
    end)
    weir.step()
    log[#log + 1] = "pass"
    weir.step()
    assert.same({ "told", "ready", "pass", "started" }, log)
  end)

  it("neither does an error that is told of at once run what that starts", function()
    local told, log = 0, {}
    local function raise()
      weir.Deferred(function(d)
        d:callback()
        error("behind a fire", 0)
      end):cancel()
    end
    weir.on_unhandled(function(err)
      assert(err == "behind a fire")
      told = told + 1
      if told < MOST then weir.spawn(raise) end
    end)
    weir.spawn(raise)
    log[1] = told
    for i = 2, 4 do
      weir.step()
      log[i] = told
    end
    assert.same({ 1, 2, 3, 4 }, log)
  end)

  it("what it starts where no turn is under way runs in the next one", function()
    local started = 0
    weir.on_unhandled(function()
      weir.spawn(function() started = started + 1 end)
    end)
    fail_and_find()
    assert.equal(0, started)
    weir.spawn(function() end)
    assert.equal(1, started)
  end)
end)
