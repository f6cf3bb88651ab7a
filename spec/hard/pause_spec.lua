-- Pause of oneself, then a new wait; and pause from inside a canceller.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

describe("hard: pause", function()
  local clock, t
  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)
  after_each(h.restore)

  local function hooked(name) return parts.hooked(t, name) end
  local function awaiter(...) return parts.awaiter(t, ...) end
  local function busy(...) return parts.busy(t, ...) end

  -- A coroutine that pauses itself, then calls f.
  local function self_paused(f)
    return weir.spawn(function()
      weir.current():pause()
      f()
    end)
  end

  local function assert_one_pause_left(...)
    for i, d in ipairs { ... } do
      d:unpause()
      assert.is_false(pcall(d.unpause, d), i)
    end
  end

  describe("of oneself, then a wait", function()
    it("6.1 for a coroutine started meanwhile: that runs to its own wait, and is held by ours", function()
      local leaf = hooked "leaf"
      local co = self_paused(function()
        local inner = awaiter("inner", leaf)
        t(inner:status())
        t(weir.await(inner))
      end)
      assert.are.same({ "waiting", "pause leaf" }, t:list())
      assert.are.equal("paused", co:status())
      leaf:callback("v")
      assert.are.equal(2, #t:list())
      co:unpause()
      assert.are.same({ "waiting", "pause leaf", "inner got v", "v" }, t:list())
    end)

    it("6.3 for what a free one waits for: that one is told, ours is kept", function()
      local leaf = hooked "leaf"
      awaiter("free", leaf)
      local co = self_paused(function() t(weir.await(leaf)) end)
      leaf:callback("v")
      assert.are.same({ "free got v" }, t:list())
      assert.are.equal("paused", co:status())
      co:unpause()
      assert.are.same({ "free got v", "v" }, t:list())
    end)

    it("6.1 for a time: it does not begin before the last unpause, each new pause stops it anew", function()
      local co = self_paused(function()
        weir.current():pause()
        weir.sleep(3)
        t "slept"
        weir.current():pause()
        weir.sleep(1)
        t "slept again"
      end)
      clock:advance(10)
      co:unpause()
      clock:advance(10)
      co:unpause()
      clock:advance(2)
      assert.are.same({}, t:list())
      clock:advance(11)
      assert.are.same({ "slept" }, t:list())
      co:unpause()
      clock:advance(1)
      assert.are.same({ "slept", "slept again" }, t:list())
      assert.is_false(pcall(co.unpause, co))
    end)

    it("3.3 with a limit: that runs on, what is left ends, the TimeoutError is kept", function()
      local leaf = hooked "leaf"
      local co = self_paused(function()
        local _, err = pcall(weir.await, leaf, 2)
        t(err.name)
        weir.sleep(1)
        t "goes on"
      end)
      clock:advance(2)
      assert.are.same({ "pause leaf", "unpause leaf", "cancel leaf" }, t:list())
      assert.are.same({ "cancelled", "paused" }, { leaf:status(), co:status() })
      co:unpause()
      clock:advance(1)
      assert.are.same({ "TimeoutError", "goes on" }, { table.unpack(t:list(), 4) })
    end)

    it("9.3 in a line: it is passed over and keeps its place", function()
      local lock = weir.Lock()
      local function own(name)
        local _ <close> = weir.await(lock:acquire())
        t(name)
        weir.sleep(1)
      end
      lock:acquire()
      local co = self_paused(function() own "paused" end)
      weir.spawn(own, "second")
      weir.spawn(own, "third")
      lock:release()
      assert.are.same({ "second" }, t:list())
      co:unpause()
      clock:advance(2)
      assert.are.same({ "second", "paused", "third" }, t:list())
    end)

    it("5.9 and a cancel of oneself: the wait is struck, and not held", function()
      local leaf = hooked "leaf"
      local co = self_paused(function()
        t(weir.current():cancel("why"))
        parts.work(t, "co", weir.after(1), leaf)
      end)
      assert.are.same({ true, "co asked: why" }, t:list())
      clock:advance(1)
      assert.are.same({ true, "co asked: why", "co cleaned" }, t:list())
      assert.are.equal("pending", leaf:status())
      assert_one_pause_left(co)
    end)

    it("6.1 in the cleanup behind a cancel: no wait of that is held", function()
      local co = weir.spawn(function()
        pcall(weir.await, weir.Deferred())
        weir.current():pause()
        weir.sleep(1)
        t "cleaned"
      end)
      co:cancel()
      clock:advance(1)
      assert.are.same({ "cleaned" }, t:list())
      assert_one_pause_left(co)
    end)
  end)

  describe("in a canceller", function()
    -- A Deferred with hooks that trace, and a canceller that also calls f.
    local function hooked_calling(name, f)
      local function hook(kind) return function() t(kind .. " " .. name) end end
      return weir.Deferred { pause = hook "pause", unpause = hook "unpause", cancel = function(self)
        t("cancel " .. name)
        f(self)
      end }
    end

    it("5.9 of all that is being cancelled: nothing of it is held, the pauses count", function()
      local root, inner
      local leaf = hooked_calling("leaf", function(self)
        root:pause()
        inner:pause()
        self:pause()
        t(root:status() .. " " .. inner:status())
      end)
      inner = busy("inner", nil, leaf)
      root = busy("root", nil, inner)
      assert.is_true(root:cancel("why"))
      assert.are.same({
        "cancel leaf", "waiting waiting", "inner asked: why", "inner cleaned", "root asked: why", "root cleaned",
      }, t:list())
      assert_one_pause_left(root, inner, leaf)
    end)

    it("6.1 of one that only waits for the Deferred: the cancel error is kept for it", function()
      local held, free
      local d = hooked_calling("d", function() held:pause() end)
      held, free = awaiter("held", d), awaiter("free", d)
      assert.is_true(d:cancel("why"))
      assert.are.same({ "cancel d", "free saw why" }, t:list())
      assert.are.same({ "cancelled", "cancelled", "paused" }, { d:status(), free:status(), held:status() })
      held:unpause()
      assert.are.same({ "cancel d", "free saw why", "held saw why" }, t:list())
    end)

    it("6.1 of all that wait for the Deferred: it ends all the same, they are told on unpause", function()
      local a, b
      local d = hooked_calling("d", function()
        a:pause()
        b:pause()
      end)
      a, b = awaiter("a", d), awaiter("b", d)
      d:add_errback(function(err) t "errback"; error(err, 0) end)
      d:cancel("why")
      assert.are.same({ "cancel d", "errback" }, t:list())
      assert.are.equal("cancelled", d:status())
      b:unpause()
      a:unpause()
      assert.are.same({ "cancel d", "errback", "b saw why", "a saw why" }, t:list())
    end)

    it("6.2 of another tree: that is held at once, hooks and all", function()
      local other_leaf = hooked "other"
      local other = awaiter("other", other_leaf)
      local co = busy("co", nil, hooked_calling("leaf", function()
        other:pause()
        t "paused"
      end))
      co:cancel("why")
      assert.are.same({ "cancel leaf", "pause other", "paused", "co asked: why", "co cleaned" }, t:list())
      other_leaf:callback("v")
      assert.are.equal(5, #t:list())
      other:unpause()
      assert.are.same({ "other got v" }, { table.unpack(t:list(), 6) })
    end)

    it("5.8 of the one that is cancelled, then a success: delivered, its next wait is struck", function()
      local co
      local lock = hooked_calling("lock", function(self)
        co:pause()
        self:callback("mine")
      end)
      co = weir.spawn(function()
        t(weir.await(lock))
        parts.work(t, "co", nil, weir.Deferred())
      end)
      assert.is_true(co:cancel("why"))
      assert.are.same({ "cancel lock", "mine", "co asked: why", "co cleaned" }, t:list())
      assert_one_pause_left(co)
    end)
  end)
end)
