-- One dependency of several: waiters in different states, diamonds, a coroutine awaited by two scopes.
local weir = require "weir"
local h = require "spec.helper"
local parts = require "spec.parts"

describe("hard: shared", function()
  local clock, t, reports
  before_each(function()
    clock, t, reports = h.manual(), h.trace(), h.unhandled()
  end)
  after_each(h.restore)

  local function hooked(name) return parts.hooked(t, name) end
  local function busy(...) return parts.busy(t, ...) end
  local function awaiter(...) return parts.awaiter(t, ...) end

  -- What has been traced since it was last asked.
  local function news()
    local list = { table.unpack(t:list(), (t.told or 0) + 1) }
    t.told = #t:list()
    return list
  end

  describe("by one that is paused, one that is cancelled, one that waits", function()
    local ORDERS = {
      { "paused", "cancelled", "waiting" }, { "paused", "waiting", "cancelled" },
      { "cancelled", "paused", "waiting" }, { "cancelled", "waiting", "paused" },
      { "waiting", "paused", "cancelled" }, { "waiting", "cancelled", "paused" },
    }

    -- Awaiters of d under these names, in that order; two of them are made what their names say.
    local function three(d, order)
      local cos = {}
      for _, name in ipairs(order) do cos[name] = awaiter(name, d) end
      cos.paused:pause()
      cos.cancelled:cancel("why")
      return cos
    end

    it("6.3 the last is told, the first on unpause, in whatever order they came", function()
      for _, order in ipairs(ORDERS) do
        local d = hooked "d"
        local cos = three(d, order)
        d:callback("v")
        assert.are.same({ "cancelled saw why", "waiting got v" }, news())
        cos.paused:unpause()
        assert.are.same({ "paused got v" }, news())
      end
    end)

    it("6.3 the same of a coroutine, and of a sleep, which do not stop", function()
      local function sleeper() return weir.spawn(function() weir.sleep(2); return "v" end) end
      for _, start in ipairs { sleeper, function() return weir.after(2, "v") end } do
        local cos = three(start(), ORDERS[1])
        clock:advance(1)
        cos.paused:unpause()
        cos.paused:pause()
        clock:advance(1)
        assert.are.same({ "cancelled saw why", "waiting got v" }, news())
        cos.paused:unpause()
        assert.are.same({ "paused got v" }, news())
      end
    end)

    it("6.3 it is held once the last has left too, and goes with the first", function()
      for _, order in ipairs(ORDERS) do
        local cos = three(hooked "d", order)
        cos.waiting:cancel("too")
        assert.are.same({ "cancelled saw why", "pause d", "waiting saw too" }, news())
        cos.paused:cancel("at last")
        assert.are.same({ "unpause d", "cancel d", "paused saw at last" }, news())
      end
    end)

    it("6.3 it is held once the last is paused too, whoever is freed first", function()
      for _, order in ipairs(ORDERS) do
        for _, first in ipairs { "paused", "waiting" } do
          local d = hooked "d"
          local cos = three(d, order)
          cos.waiting:pause()
          d:callback("v")
          assert.are.same({ "cancelled saw why", "pause d" }, news())
          cos[first]:unpause()
          assert.are.same({ first .. " got v" }, news())
        end
      end
    end)

    it("5.3 a cancel of it hits both that are left, one of them on unpause", function()
      local d = hooked "d"
      local cos = three(d, ORDERS[1])
      d:cancel("all")
      assert.are.same({ "cancelled saw why", "cancel d", "waiting saw all" }, news())
      cos.paused:unpause()
      assert.are.same({ "paused saw all" }, news())
    end)
  end)

  describe("in a diamond", function()
    -- bottom is awaited by left and right, these by top: as coroutines, the right way round or the long one.
    local function diamond(bottom, long)
      local d = { bottom = bottom, left = busy("left", nil, bottom) }
      local way = long and weir.succeed():add_callback(function() return weir.spawn(weir.await, bottom) end) or bottom
      d.right = busy("right", nil, way)
      d.top = weir.spawn(function()
        local both = parts.work(t, "top", nil, weir.all { d.left, d.right })
        t("top got " .. both[1] .. both[2])
      end)
      return d
    end

    local CASCADE = {
      "cancel bottom", "left asked: why", "left cleaned", "right asked: why", "right cleaned",
      "top asked: why", "top cleaned",
    }

    it("2.5 the value comes up both ways", function()
      for _, long in ipairs { false, true } do
        diamond(hooked "bottom", long).bottom:callback("v")
        assert.are.same({ "top got vv" }, news())
      end
    end)

    it("5.2 a cancel at the top reaches the bottom once, with one error", function()
      for _, long in ipairs { false, true } do
        local d = diamond(hooked "bottom", long)
        assert.is_true(d.top:cancel("why"))
        assert.are.same(CASCADE, news())
        for _, name in ipairs { "left", "right", "bottom" } do
          assert.is_true(rawequal(parts.failure(d.top), parts.failure(d[name])), name)
        end
      end
      assert.are.same({}, parts.reported(reports))
    end)

    it("5.3 a cancel of one side leaves the bottom to the other, and fails the top", function()
      for _, sides in ipairs { { "left", "right" }, { "right", "left" } } do
        local d = diamond(hooked "bottom")
        d[sides[1]]:cancel("why")
        assert.are.same({
          sides[1] .. " asked: why", sides[1] .. " cleaned",
          "cancel bottom", -- for the top the failure of one is that of all
          sides[2] .. " asked: why", sides[2] .. " cleaned", "top asked: why", "top cleaned",
        }, news())
      end
    end)

    it("5.3 a cancel at the top leaves the bottom to an outsider", function()
      local d = diamond(hooked "bottom")
      awaiter("outsider", d.bottom)
      d.top:cancel("why")
      assert.are.same({ table.unpack(CASCADE, 2) }, news())
      d.bottom:callback("v")
      assert.are.same({ "outsider got v" }, news())
    end)

    it("5.8 a success with which the bottom answers is delivered to the side that was left with it", function()
      local d = diamond(parts.traced(t, "bottom", parts.succeed_with "v"))
      d.top:cancel("why")
      assert.are.same({ "bottom", "left asked: why", "left cleaned", "top asked: why", "top cleaned" }, news())
      assert.are.equal("v", d.bottom:result())
      assert.are.equal("cancelled", d.right:status())
    end)

    it("6.3 the bottom is held while all ways to it are", function()
      local d = diamond(hooked "bottom", true)
      d.left:pause()
      assert.are.same({}, news())
      d.top:pause()
      assert.are.same({ "pause bottom" }, news())
      d.left:unpause()
      assert.are.same({}, news())
      d.top:unpause()
      assert.are.same({ "unpause bottom" }, news())
      d.right:pause()
      d.bottom:callback("v")
      assert.are.same({}, news())
      d.right:unpause()
      assert.are.same({ "top got vv" }, news())
    end)

    it("5.9 a cancel at the top while it is paused frees the bottom once, before its canceller", function()
      local d = diamond(hooked "bottom")
      d.top:pause()
      d.right:pause()
      d.top:cancel("why")
      assert.are.same({ "pause bottom", "unpause bottom", table.unpack(CASCADE) }, news())
    end)

    it("5.7 a close at the top: the bottom first, then both sides, each once, the top last", function()
      local function closing(name, d)
        return weir.spawn(function()
          local _ <close> = setmetatable({}, { __close = function() t(name) end })
          weir.await(d)
        end)
      end
      local bottom = hooked "bottom"
      local sides = weir.all { closing("side", bottom), closing("side", bottom) }
      assert.is_true(closing("top", sides):close())
      assert.are.same({ "cancel bottom", "side", "side", "top" }, news())
      assert.are.equal("cancelled", sides:status())
    end)

    it("5.2 one upon another: each bottom is asked once, all are told once", function()
      local bottom = hooked "bottom"
      local d = bottom
      for _ = 1, 10 do
        local below = d
        local function way() return weir.spawn(function() return weir.await(below) end) end
        d = weir.all { way(), way() }
      end
      parts.watch(t, "top", d):cancel("why")
      assert.are.same({ "cancel bottom", "top failed: why" }, news())
      assert.are.same({}, parts.reported(reports))
    end)
  end)

  describe("by two scopes", function()
    -- A scope with a body that awaits d, and a child that hangs until it is cancelled or the gate opens.
    local function scope_over(name, d, gate)
      return parts.watch(t, name, weir.scope(function(scope)
        scope:spawn(parts.work, t, name .. "'s child", nil, gate)
        return parts.work(t, name .. "'s body", nil, d)
      end))
    end

    -- What such a scope traces when it is cancelled: its two end in that order.
    local function ending(name, reason, first, second)
      local list = {}
      for _, who in ipairs { first, second } do
        list[#list + 1] = ("%s's %s asked: %s"):format(name, who, reason)
        list[#list + 1] = ("%s's %s cleaned"):format(name, who)
      end
      list[#list + 1] = name .. " failed: " .. reason
      return list
    end

    it("9.2 its value is for both", function()
      local leaf, gate = hooked "leaf", weir.Deferred()
      local shared = weir.spawn(weir.await, leaf)
      local one, two = scope_over("one", shared, gate), scope_over("two", shared, gate)
      leaf:callback("v")
      assert.are.same({}, news())
      gate:callback()
      assert.are.same({ "one done", "two done" }, news())
      assert.are.same({ "v", "v" }, { one:result(), two:result() })
    end)

    it("9.2 its failure fails both, and each cancels its own rest", function()
      local leaf = hooked "leaf"
      local shared = weir.spawn(weir.await, leaf)
      scope_over("one", shared)
      scope_over("two", shared)
      leaf:errback("e")
      assert.are.same({
        "one's body asked: e", "one's body cleaned", "two's body asked: e", "two's body cleaned",
        "one's child asked: e", "one's child cleaned", "one failed: e",
        "two's child asked: e", "two's child cleaned", "two failed: e",
      }, news())
      assert.are.equal(2, #parts.reported(reports)) -- one for each scope
    end)

    it("5.3 one that is cancelled leaves it to the other, the last takes it along", function()
      local shared = weir.spawn(weir.await, hooked "leaf")
      local one, two = scope_over("one", shared), scope_over("two", shared)
      one:cancel("1")
      assert.are.same(ending("one", "1", "body", "child"), news())
      assert.are.equal("waiting", shared:status())
      two:cancel("2")
      assert.are.same({ "cancel leaf", table.unpack(ending("two", "2", "child", "body")) }, news())
      assert.are.equal("2", parts.failure(shared).reason)
    end)

    it("6.3 it is held while both are", function()
      local shared = weir.spawn(weir.await, hooked "leaf")
      local one, two = scope_over("one", shared), scope_over("two", shared)
      one:pause()
      assert.are.same({}, news())
      two:pause()
      assert.are.same({ "pause leaf" }, news())
      one:cancel("1")
      assert.are.same(ending("one", "1", "body", "child"), news())
      two:unpause()
      assert.are.same({ "unpause leaf" }, news())
    end)

    -- Two scopes; a worker of the first is what the body of the second awaits.
    local function owner_and_guest()
      local worker
      local owner = parts.watch(t, "owner", weir.scope(function(scope)
        worker = scope:spawn(parts.work, t, "worker", nil, hooked "leaf")
      end))
      return owner, scope_over("guest", worker), worker
    end

    it("9.2 a cancel of the one that owns it hits the other, to which it is a failure", function()
      local owner = owner_and_guest()
      owner:cancel("why")
      assert.are.same({
        "cancel leaf", "worker asked: why", "worker cleaned",
        "owner failed: why", "guest's body asked: why", "guest's body cleaned",
        "guest's child asked: why", "guest's child cleaned", "guest failed: why",
      }, news())
    end)

    it("9.2 a cancel of the one that awaits it takes it along, for its owner is none that waits", function()
      local _, guest = owner_and_guest()
      guest:cancel("why")
      assert.are.same({
        "cancel leaf", "worker asked: why", "worker cleaned", "owner done",
        table.unpack(ending("guest", "why", "child", "body")),
      }, news())
    end)

    it("9.2 a cancel of the one that awaits a shield of it leaves it to its owner", function()
      local gate = weir.Deferred()
      local owner = weir.scope(function(scope)
        local worker = scope:spawn(parts.work, t, "worker", nil, gate)
        scope_over("guest", weir.shield(worker)):cancel("why")
      end)
      assert.are.same(ending("guest", "why", "body", "child"), news())
      parts.watch(t, "owner", owner)
      gate:callback()
      assert.are.same({ "owner done" }, news())
    end)

    it("6.3 it is held with the one that awaits it, its owner being none that waits beside others", function()
      local owner, guest, worker = owner_and_guest()
      guest:pause()
      assert.are.same({ "pause leaf" }, news())
      assert.are.same({ "paused", "pending" }, { worker:status(), owner:status() })
      guest:unpause()
      assert.are.same({ "unpause leaf" }, news())
      owner:pause()
      assert.are.same({}, news())
    end)
  end)
end)
