-- Hooks that raise, that fire, that cancel.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

describe("hard: hooks", function()
  local t, reports
  before_each(function()
    h.manual()
    t, reports = h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function awaiter(...) return parts.awaiter(t, ...) end
  local function busy(...) return parts.busy(t, ...) end

  -- A Deferred whose hooks trace, and then do what acts has for them, with it.
  local function hooked(name, acts)
    local hooks = {}
    for _, kind in ipairs { "pause", "unpause", "cancel" } do
      hooks[kind] = function(self)
        t(kind .. " " .. name)
        if acts[kind] then acts[kind](self) end
      end
    end
    return weir.Deferred(hooks)
  end

  local function raising(name)
    return hooked(name, { pause = parts.raise("p " .. name), unpause = parts.raise("u " .. name) })
  end

  local function assert_trace(...) assert.are.same({ ... }, t:list()) end

  describe("that raise", function()
    it("6.2 several in one walk: the first is raised, the others are reported, all is held", function()
      local a, b = raising "a", raising "b"
      local co = awaiter("co", weir.settle { a, b })
      assert.are.equal("p a", h.raised(co.pause, co))
      assert.are.same({ "p b" }, parts.reported(reports))
      assert.are.equal("paused", co:status())
      assert.are.equal("u a", h.raised(co.unpause, co))
      assert.are.same({ "p b", "u b" }, parts.reported(reports))
      assert.are.equal("waiting", co:status())
      assert_trace("pause a", "pause b", "unpause a", "unpause b")
    end)

    it("6.2 for a waiter that comes or leaves: reported, that one goes on as ever", function()
      local d = raising "d"
      local held = awaiter("held", d)
      h.raised(held.pause, held)
      local free = awaiter("free", d)
      assert.are.equal("waiting", free:status())
      assert.is_true(free:cancel("why"))
      assert_trace("pause d", "unpause d", "pause d", "free saw why")
      assert.are.same({ "u d", "p d" }, { table.unpack(parts.reported(reports), 1, 2) })
      assert.are.equal(2, #reports)
    end)

    it("6.2 for a cancel: reported, the canceller is asked all the same", function()
      local d = raising "d"
      local co = busy("co", nil, d)
      h.raised(co.pause, co)
      assert.is_true(co:cancel("why"))
      assert_trace("pause d", "unpause d", "cancel d", "co asked: why", "co cleaned")
      assert.are.same({ "u d" }, parts.reported(reports))
    end)

    it("6.2 for a wait that a paused one begins: reported, and not raised at that wait", function()
      local d = raising "d"
      local co = weir.spawn(function()
        weir.current():pause()
        t(weir.await(d))
      end)
      assert.are.same({ "p d" }, parts.reported(reports))
      d:callback("v")
      co:unpause() -- none behind an outcome
      assert_trace("pause d", "v")
    end)

    it("6.2 in a coroutine that pauses and unpauses: raised at these calls, behind the walk", function()
      local other = awaiter("other", raising "d")
      local co = weir.spawn(function()
        t(h.raised(other.pause, other))
        t(other:status())
        t(h.raised(other.unpause, other))
        return other:status()
      end)
      assert_trace("pause d", "p d", "paused", "unpause d", "u d")
      assert.are.equal("waiting", co:result())
      assert.are.same({}, parts.reported(reports))
    end)
  end)

  describe("that fire", function()
    it("6.2 what the same walk holds: kept till the unpause, its own hooks do not run", function()
      local b = hooked("b", {})
      local a = hooked("a", { pause = function() b:callback("from a") end })
      local co = weir.spawn(function()
        local both = weir.await(weir.all { a, b })
        t(both[1] .. ", " .. both[2])
      end)
      co:pause()
      assert_trace("pause a")
      co:unpause()
      a:callback("v")
      assert_trace("pause a", "unpause a", "v, from a")
    end)

    it("6.1 their own Deferred, as it is let go: the waiters are told before the call returns", function()
      local d = hooked("d", { unpause = function(self) self:callback("v") end })
      local co = awaiter("co", d)
      co:pause()
      co:unpause()
      assert_trace("pause d", "unpause d", "co got v")
    end)

    it("6.2 what the one waits on whose hook it is: that has no hook to run any more", function()
      local source = hooked("source", {})
      local target = hooked("target", { unpause = function() source:callback("v") end })
      source:chain(target)
      local co = awaiter("co", target)
      co:pause()
      co:unpause()
      assert_trace("pause target", "pause source", "unpause target", "co got v")
    end)

    it("6.1 what wakes one that takes the pause back: that comes behind the walk", function()
      local gate = weir.Deferred()
      local d = hooked("d", { pause = function() gate:callback() end })
      local co = awaiter("co", weir.all { d, hooked("e", {}) })
      weir.spawn(function()
        weir.await(gate)
        t(co:status())
        co:unpause()
      end)
      co:pause()
      assert_trace("pause d", "pause e", "paused", "unpause d", "unpause e")
      assert.are.equal("waiting", co:status())
    end)

    it("2.2 their own Deferred a second time: an error of the hook, the first fire stands", function()
      local d = hooked("d", { pause = function(self)
        self:callback("v")
        self:callback("again")
      end })
      assert.are.equal("AlreadyCalledError", h.raised(d.pause, d).name)
      assert.are.equal("pending", d:status())
      d:unpause()
      assert.are.equal("v", d:result())
    end)
  end)

  describe("that cancel", function()
    -- A tree whose leaf's hook of that kind calls act with the root.
    local function tree(kind, act)
      local root
      local leaf = hooked("leaf", { [kind] = function() act(root) end })
      root = busy("root", nil, busy("inner", nil, leaf))
      return root
    end

    local function cancel(co) t(co:cancel("why")) end

    local UNWOUND = { "cancel leaf", true, "inner asked: why", "inner cleaned", "root asked: why", "root cleaned" }

    it("5.9 the tree that is being paused: it is let go and unwinds, the pause counts", function()
      local root = tree("pause", cancel)
      root:pause()
      assert_trace("pause leaf", "unpause leaf", table.unpack(UNWOUND))
      assert.are.equal("cancelled", root:status())
      root:unpause()
      h.raised(root.unpause, root)
    end)

    it("5.9 the tree that is being let go", function()
      local root = tree("unpause", cancel)
      root:pause()
      root:unpause()
      assert_trace("pause leaf", "unpause leaf", table.unpack(UNWOUND))
      h.raised(root.unpause, root)
    end)

    it("5.1 the tree that a cancel lets go: false, it is asked once", function()
      local root = tree("unpause", function(co) t(co:cancel("again")) end)
      root:pause()
      root:cancel("why")
      assert_trace("pause leaf", "unpause leaf", false, "cancel leaf", table.unpack(UNWOUND, 3))
    end)

    it("5.7 by force: closed within the pause", function()
      local root
      local leaf = hooked("leaf", { pause = function() t(root:close()) end })
      root = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() t "closed" end })
        weir.await(leaf)
      end)
      root:pause()
      assert_trace("pause leaf", "unpause leaf", "cancel leaf", "closed", true)
      assert.are.equal("cancelled", root:status())
    end)

    it("6.2 what the same walk holds: it has not been told of that, and is told of the cancel alone", function()
      local b = hooked("b", {})
      local a = hooked("a", { pause = function() t(b:cancel("why")) end })
      local co = awaiter("co", weir.settle { a, b })
      co:pause()
      assert_trace("pause a", "cancel b", true)
      assert.are.equal("cancelled", b:status())
      co:unpause()
      assert_trace("pause a", "cancel b", true, "unpause a")
      assert.are.equal("waiting", co:status())
    end)

    it("6.2 or unpause the whole walk: who has not been told of the one is not told of the other", function()
      local co
      local a = hooked("a", { pause = function() co:unpause() end })
      co = awaiter("co", weir.settle { a, hooked("b", {}) })
      co:pause()
      assert_trace("pause a", "unpause a")
      assert.are.equal("waiting", co:status())
      co:pause()
      assert_trace("pause a", "unpause a", "pause a", "unpause a")
    end)

    it("6.1 the other one that holds: it stays held for the one that is left", function()
      local one, two
      local d = hooked("d", { pause = function() t(one:cancel("why")) end })
      one, two = awaiter("one", d), awaiter("two", d)
      one:pause()
      two:pause()
      assert_trace("pause d", true, "one saw why")
      assert.are.equal("paused", two:status())
      two:unpause()
      d:callback("v")
      assert_trace("pause d", true, "one saw why", "unpause d", "two got v")
    end)
  end)
end)
