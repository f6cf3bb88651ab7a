-- Cancel of what is paused, of what is ready with a value, and from inside a canceller.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

describe("hard: cancel", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function traced(name, answer) return parts.traced(t, name, answer) end
  local function hooked(name) return parts.hooked(t, name) end
  local function busy(...) return parts.busy(t, ...) end
  local function awaiter(...) return parts.awaiter(t, ...) end

  local function assert_statuses(status, ...)
    for i, d in ipairs { ... } do assert.are.equal(status, d:status(), i) end
  end

  -- Takes back n pauses of d, all that there are.
  local function unpause(d, n)
    for _ = 1, n do d:unpause() end
    h.raised(d.unpause, d)
  end

  describe("while paused", function()
    it("5.9 lets go of every level and unwinds, each pause can be taken back later", function()
      local leaf, gate = hooked "leaf", hooked "gate"
      local inner = busy("inner", gate, leaf)
      local outer = busy("outer", nil, inner)
      outer:pause():pause()
      inner:pause()
      leaf:pause()
      assert.is_true(outer:cancel("why"))
      assert.are.same({ "pause leaf", "unpause leaf", "cancel leaf", "inner asked: why" }, t:list())
      gate:callback()
      assert.are.same({ "inner cleaned", "outer asked: why", "outer cleaned" }, { table.unpack(t:list(), 5) })
      unpause(outer, 2)
      unpause(inner, 1)
      unpause(leaf, 1)
      assert.are.equal(7, #t:list())
      assert_statuses("cancelled", outer, inner, leaf)
    end)

    it("6.1 its cleanup is not held by that pause, nor by pauses and unpauses that come meanwhile", function()
      local co = weir.spawn(function()
        pcall(weir.await, hooked "leaf")
        t "cleaning"
        weir.sleep(2)
        t "cleaned"
      end)
      co:pause()
      co:cancel()
      clock:advance(1)
      co:unpause()
      co:pause():pause()
      clock:advance(1)
      assert.are.same({ "pause leaf", "unpause leaf", "cancel leaf", "cleaning", "cleaned" }, t:list())
      unpause(co, 2)
    end)

    it("5.3 it leaves a wait that a free one shares at once, and frees nothing there", function()
      local leaf = hooked "leaf"
      local held, free = busy("held", nil, leaf), awaiter("free", leaf)
      held:pause()
      assert.is_true(held:cancel("why"))
      assert.are.same({ "held asked: why", "held cleaned" }, t:list())
      leaf:callback("v")
      assert.are.same({ "free got v" }, { table.unpack(t:list(), 3) })
      assert.are.equal("v", free:result())
    end)

    it("5.8 with a value kept by the pause of an inner one: that gets it first", function()
      local d, never = weir.Deferred(), traced "never asked"
      local inner = weir.spawn(function()
        t(weir.await(d))
        return weir.await(never)
      end)
      local outer = awaiter("outer", inner)
      inner:pause()
      outer:pause()
      d:callback("kept")
      assert.is_true(outer:cancel("why"))
      assert.are.same({ "kept", "outer saw why" }, t:list())
      assert.are.equal("pending", never:status())
      assert_statuses("cancelled", inner, outer)
    end)
  end)

  describe("in a canceller", function()
    it("5.1 of the tree that is being cancelled: false; of another tree: cleaned up in its turn", function()
      local root, other = nil, busy("other", nil, traced "other's leaf")
      root = busy("root", nil, busy("inner", nil, traced("leaf", function()
        t(root:cancel("again"))
        t(other:cancel("one"))
        t(other:status())
      end)))
      assert.is_true(root:cancel("two"))
      assert.are.same({
        "leaf", false, "other's leaf", true, "ready",
        "other asked: one", "other cleaned",
        "inner asked: two", "inner cleaned", "root asked: two", "root cleaned",
      }, t:list())
    end)

    it("5.3 of one of those that wait for its Deferred: that one leaves with an error of its own", function()
      local a, b
      local d = traced("leaf", function() t(a:cancel("one")) end)
      a, b = busy("a", nil, d), awaiter("b", d)
      assert.is_true(d:cancel("all"))
      assert.are.same({ "leaf", true, "a asked: one", "a cleaned", "b saw all" }, t:list())
      assert.are.equal("one", parts.failure(a).reason)
      assert.are.equal("all", parts.failure(b).reason)
    end)

    it("5.2 of the only one that waits for its Deferred: it sees that cancel, not the Deferred's", function()
      local co
      local d = traced("leaf", function() t(co:cancel("mine")) end)
      co = busy("co", nil, d)
      assert.is_true(d:cancel("the Deferred's"))
      assert.are.same({ "leaf", true, "co asked: mine", "co cleaned" }, t:list())
      assert.are.equal("the Deferred's", parts.failure(d).reason)
      assert_statuses("cancelled", co)
    end)

    it("5.8 of the only one that waits, then a success: that is delivered, the next wait is struck", function()
      local co, later = nil, traced "never asked"
      local d = weir.Deferred(function(self)
        t(co:cancel("why"))
        self:callback("lock")
      end)
      co = weir.spawn(function()
        t(weir.await(d))
        return parts.work(t, "co", nil, later)
      end)
      assert.is_true(d:cancel())
      assert.are.same({ true, "lock", "co asked: why", "co cleaned" }, t:list())
      assert.are.equal("pending", later:status())
    end)

    it("5.1 of what the cascade comes to next: that is asked once and keeps its own error", function()
      local first, second
      first = traced("first", function() t(second:cancel("own")) end)
      second = traced "second"
      local co = awaiter("co", weir.all { first, second })
      assert.is_true(co:cancel("tree"))
      assert.are.same({ "first", "second", true, "co saw tree" }, t:list())
      assert.are.equal("own", parts.failure(second).reason)
      assert.are.equal("tree", parts.failure(first).reason)
    end)

    it("5.1 of a coroutine that runs: it is struck at its next wait, behind the whole cascade", function()
      weir.spawn(function()
        local me, never = weir.current(), traced "never asked"
        local victim = busy("victim", nil, traced("leaf", function() t(me:cancel("back")) end))
        t(victim:cancel("there"))
        t "goes on"
        parts.work(t, "me", nil, never)
      end)
      assert.are.same({
        "leaf", true, true, "goes on", "me asked: back", "me cleaned", "victim asked: there", "victim cleaned",
      }, t:list())
      assert.are.equal(0, #parts.reported(reports))
    end)
  end)

  describe("of one that is ready with a value", function()
    -- Calls f in a coroutine, behind a fire of d and before those that it woke.
    local function behind_fire(d, f)
      weir.spawn(function()
        d:callback("v")
        f()
      end)
    end

    it("5.8 below another that is cancelled: the value, the struck wait, then the other", function()
      local d, never = weir.Deferred(), traced "never asked"
      local inner = weir.spawn(function()
        t(weir.await(d))
        local ok = pcall(weir.await, never)
        t(ok)
        return "swallowed"
      end)
      local outer = awaiter("outer", inner)
      behind_fire(d, function()
        t(outer:cancel("why"))
        t(inner:status())
      end)
      assert.are.same({ true, "ready", "v", false, "outer saw why" }, t:list())
      assert.are.equal("pending", never:status())
      assert_statuses("cancelled", inner, outer)
    end)

    it("5.3 below one of two that wait for it: it is not touched, and the other gets its end", function()
      local d = weir.Deferred()
      local inner = weir.spawn(function() return weir.await(d) .. weir.await(weir.succeed "w") end)
      local leaves, stays = awaiter("leaves", inner), awaiter("stays", inner)
      behind_fire(d, function() t(leaves:cancel("why")) end)
      assert.are.same({ true, "leaves saw why", "stays got vw" }, t:list())
      assert.are.equal("vw", stays:result())
    end)

    it("5.8 paused as well: the value is delivered, the pause is not obeyed", function()
      local d = weir.Deferred()
      local co = weir.spawn(function()
        t(weir.await(d))
        return parts.work(t, "co")
      end)
      behind_fire(d, function()
        co:pause()
        t(co:status())
        t(co:cancel("why"))
        t(co:cancel("again"))
        t(co:status())
      end)
      assert.are.same({ "paused", true, false, "ready", "v", "co asked: why", "co cleaned" }, t:list())
      unpause(co, 1)
    end)

    it("5.8 with a TimeoutError of its own limit: that comes first, the cancel at the next wait", function()
      local d, gate = weir.Deferred(), weir.Deferred()
      awaiter("other", d) -- so that the limit ends the wait at once
      local co = weir.spawn(function()
        local _, err = pcall(weir.await, d, 2)
        t(err.name)
        return parts.work(t, "co", nil, gate)
      end)
      weir.after(2):add_callback(function()
        t(co:status())
        t(co:cancel("why"))
      end)
      clock:advance(2)
      assert.are.same({ "ready", true, "TimeoutError", "co asked: why", "co cleaned" }, t:list())
      assert.are.equal("pending", d:status())
    end)
  end)
end)
