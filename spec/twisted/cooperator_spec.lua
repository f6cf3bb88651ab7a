-- Work shared out among many: coroutines that yield are what Twisted's cooperator makes of iterators. A step is one
-- round, a Coroutine is its own task; what is started and stopped together is a scope.
local weir = require "weir"
local h = require "spec.helper"

local spawn = weir.spawn

local function error_of(d) return h.raised(d.result, d) end

describe("twisted: cooperator", function()
  local t

  before_each(function()
    h.manual()
    t = h.trace()
    h.unhandled()
  end)

  after_each(h.restore)

  -- A body that writes 1, 2, 3 ..., up to n or for ever, one number a round.
  local function count(n)
    for i = 1, n or math.huge do
      t(i)
      weir.yield()
    end
    return n
  end

  local function step(n)
    for _ = 1, n do weir.step() end
  end

  -- A coroutine that waits for d, which it yields as an iterator would, and then counts.
  local function wait_and_count(d)
    return spawn(function()
      coroutine.yield(d)
      return count()
    end)
  end

  describe("rounds", function()
    it("3.4 those that yield take turns, in the order in which they were started", function()
      local tasks = {}
      for i, list in ipairs { { "a", "b", "c" }, { 1, 2, 3 }, { "d", "e", "f" }, { 4, 5, 6 } } do
        tasks[i] = spawn(function()
          for _, item in ipairs(list) do
            t(item)
            weir.yield()
          end
        end)
      end
      weir.run()
      assert.same({ "a", 1, "d", 4, "b", 2, "e", 5, "c", 3, "f", 6 }, t:list())
      for _, task in ipairs(tasks) do assert.equal("success", task:status()) end
    end)

    it("7.3 a step whose budget is used up leaves the rest for later steps", function()
      local task = spawn(count, 100)
      for _ = 1, 9 do assert.equal(0, weir.step(0)) end
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, t:list())
      assert.is_true(task:cancel())
      assert.equal(10, #t:list())
    end)

    it("7.3 one that is started at the end of another costs no round more than it needs", function()
      local second
      spawn(count, 1):add_callback(function() second = spawn(count, 1) end)
      assert.same({ 1 }, t:list())
      assert.equal(0, weir.step())
      assert.same({ 1, 1 }, t:list())
      assert.is_nil(weir.step())
      assert.equal("success", second:status())
    end)

    it("7.3 when the last one is stopped there is nothing to do any more", function()
      local one, two = spawn(count), spawn(count)
      one:cancel()
      assert.equal(0, weir.step())
      two:cancel()
      assert.is_nil(weir.step())
      spawn(count, 2)
      assert.equal(0, weir.step())
    end)

    it("7.3 run takes all of them to their ends", function()
      local d = weir.Deferred()
      spawn(function()
        count(3)
        d:callback("yay")
      end)
      assert.same({ 1 }, t:list())
      weir.run()
      assert.same({ 1, 2, 3 }, t:list())
      assert.equal("yay", d:result())
    end)
  end)

  describe("an error", function()
    it("3.1 raised by the body is the failure, at its start and in a later round", function()
      local mine = {}
      assert.is_true(rawequal(mine, error_of(spawn(error, mine))))
      local task = spawn(function()
        weir.yield()
        error(mine)
      end)
      assert.equal("ready", task:status())
      weir.step()
      assert.is_true(rawequal(mine, error_of(task)))
    end)

    it("3.3 of a Deferred that was yielded is the failure, when it comes later", function()
      local mine, d = {}, weir.Deferred()
      local task = wait_and_count(d)
      assert.equal("waiting", task:status())
      d:errback(mine)
      assert.is_true(rawequal(mine, error_of(task)))
      assert.same({}, t:list())
    end)

    it("3.3 of a Deferred that was yielded is the failure, when it has failed already", function()
      local mine = {}
      assert.is_true(rawequal(mine, error_of(wait_and_count(weir.fail(mine)))))
      assert.same({}, t:list())
    end)
  end)

  describe("pause", function()
    it("6.1 holds the work; an unpause does none itself, the next round does", function()
      local task = spawn(count)
      step(1)
      assert.same({ 1, 2 }, t:list())
      task:pause()
      step(2)
      assert.same({ 1, 2 }, t:list())
      task:unpause()
      assert.same({ 1, 2 }, t:list())
      step(1)
      assert.same({ 1, 2, 3 }, t:list())
      task:cancel()
    end)

    it("6.1 an unpause without a pause raises, and the work goes on", function()
      local task = spawn(count)
      assert.is_false(pcall(task.unpause, task))
      task:pause()
      task:unpause()
      assert.is_false(pcall(task.unpause, task))
      step(1)
      assert.same({ 1, 2 }, t:list())
      task:cancel()
    end)

    it("6.1 twice needs two unpauses", function()
      local task = spawn(count)
      for _, change in ipairs { "pause", "pause", "unpause" } do
        task[change](task)
        step(1)
        assert.same({ 1 }, t:list())
      end
      task:unpause()
      step(1)
      assert.same({ 1, 2 }, t:list())
      task:cancel()
    end)

    it("6.1 of one that waits for a Deferred: unpaused, it still waits", function()
      local d = weir.Deferred()
      local task = wait_and_count(d)
      task:pause()
      step(1)
      task:unpause()
      step(1)
      assert.same({}, t:list())
      assert.equal("waiting", task:status())
      d:callback("stuff")
      assert.same({ 1 }, t:list())
      task:cancel()
    end)

    it("6.1 of one that waits for a Deferred: fired, it is still held", function()
      local d = weir.Deferred()
      local task = wait_and_count(d)
      task:pause()
      d:callback("stuff")
      step(1)
      assert.same({}, t:list())
      assert.equal("paused", task:status())
      task:unpause()
      assert.same({ 1 }, t:list())
      task:cancel()
    end)
  end)

  describe("to be told of the end", function()
    it("2.5 many may wait; what one makes of the outcome is not what another gets", function()
      local task = spawn(count, 2)
      local one = weir.shield(task):add_callback(function(n) t("one " .. n); return 1 end)
      local two = weir.shield(task):add_callback(function(n) t("two " .. n); return 2 end)
      weir.run()
      assert.same({ 1, 2, "one 2", "two 2" }, t:list())
      assert.same({ 1, 2, 2 }, { one:result(), two:result(), (task:result()) })
    end)

    it("2.5 all that wait get the error of a failure, the very same", function()
      local mine, seen = {}, {}
      local task = spawn(function()
        weir.yield()
        error(mine)
      end)
      for i = 1, 2 do
        weir.shield(task):add_errback(function(err) seen[i] = err end)
      end
      assert.same({}, seen)
      weir.step()
      assert.is_true(rawequal(mine, seen[1]) and rawequal(mine, seen[2]))
    end)

    it("5.2 one that is stopped fails with a cancel error, for all that wait", function()
      local task = spawn(count)
      local waiting = weir.shield(task)
      assert.is_true(task:cancel())
      assert.is_true(weir.is_cancelled(error_of(waiting)))
      assert.same({ "cancelled", "cancelled" }, { task:status(), waiting:status() })
    end)

    it("2.5 of one that has ended already is to be told at once", function()
      local task = spawn(count, 1)
      weir.step()
      weir.shield(task):add_callback(function(n) t("told " .. n) end)
      assert.same({ 1, "told 1" }, t:list())
    end)
  end)

  describe("stop", function()
    it("5.1 ends the work; stopped again it is false, and a pause is no error", function()
      local task = spawn(count)
      assert.is_true(task:cancel())
      step(1)
      assert.is_false(task:cancel())
      task:pause()
      task:unpause()
      step(1)
      assert.same({ 1 }, t:list())
      assert.equal("cancelled", task:status())
    end)

    it("5.9 of a paused one ends it; the unpause that follows is legal and starts nothing", function()
      local task = spawn(count)
      task:pause()
      assert.is_true(task:cancel())
      assert.equal("cancelled", task:status())
      task:unpause()
      step(1)
      assert.same({ 1 }, t:list())
    end)

    it("5.2 of one that waits for a Deferred cancels that too; its late fire starts nothing", function()
      local d = weir.Deferred(function() t "canceller" end)
      local task = wait_and_count(d)
      assert.is_true(task:cancel())
      d:callback(7)
      step(1)
      assert.same({ "canceller" }, t:list())
      assert.same({ "cancelled", "cancelled" }, { d:status(), task:status() })
    end)

    it("5.3 of one that waits for a shielded Deferred leaves that alone; its fire starts nothing", function()
      local d = weir.Deferred()
      local task = wait_and_count(weir.shield(d))
      task:cancel()
      assert.equal("pending", d:status())
      d:callback(7)
      step(1)
      assert.equal(7, d:result())
      assert.same({}, t:list())
    end)

    it("5.1 of one that has ended is false and changes nothing", function()
      local task = spawn(count, 1)
      weir.step()
      assert.is_false(task:cancel())
      assert.equal(1, task:result())
    end)

    it("5.1 of one that has failed is false and changes nothing", function()
      local mine = {}
      local task = spawn(error, mine)
      assert.is_false(task:cancel())
      assert.equal("failure", task:status())
      assert.is_true(rawequal(mine, error_of(task)))
    end)

    it("5.1 of all, in a callback of one that ends, does not strike that one", function()
      local one, two = spawn(count, 1), spawn(count)
      one:add_callback(function(n)
        t("ended with " .. n)
        t(one:cancel())
        t(two:cancel())
        t "done"
        return "through"
      end)
      weir.run()
      assert.same({ 1, 1, "ended with 1", false, true, "done" }, t:list())
      assert.same({ "through", "cancelled" }, { one:result(), two:status() })
    end)
  end)

  describe("a scope that is stopped", function()
    it("9.2 takes on no new work: a spawn raises and starts nothing", function()
      local scope
      local all = weir.scope(function(s)
        scope = s
        s:spawn(count)
      end)
      all:cancel()
      assert.is_false(pcall(scope.spawn, scope, count))
      assert.same({ 1 }, t:list())
      assert.equal("cancelled", all:status())
    end)

    it("9.2 stops what runs in it, which comes to no end of its own", function()
      local tasks = {}
      local all = weir.scope(function(s)
        for i = 1, 2 do tasks[i] = s:spawn(count, 3) end
      end)
      assert.is_true(all:cancel("stop"))
      step(5)
      assert.same({ 1, 1 }, t:list())
      assert.same({ "cancelled", "cancelled" }, { tasks[1]:status(), tasks[2]:status() })
      assert.equal("stop", error_of(all).reason)
    end)

    it("9.2 stops what waits for a Deferred in it; a late fire starts nothing", function()
      local d = weir.Deferred()
      local all = weir.scope(function(s)
        s:spawn(function()
          weir.await(d)
          t "never"
        end)
      end)
      assert.is_true(all:cancel())
      d:callback("late")
      step(1)
      assert.same({}, t:list())
      assert.is_true(weir.is_cancelled(error_of(all)))
    end)
  end)
end)
