-- A callback that was added while a Deferred told its waiters, by the canceller of a race's loser for example, was
-- called between two of them: those behind it got another outcome, or an error of the library's, and a failure was
-- lost.
local weir = require "weir"
local h = require "spec.helper"

-- Adds a line of all its arguments.
local function telling(t)
  return function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    t(table.concat(words, " "))
  end
end

describe("regress 169", function()
  after_each(h.restore)

  local LATE = {
    waits = function() return weir.Deferred() end,
    raises = function() error("late", 0) end,
    changes = function() return "changed" end,
  }
  local STATUS = { waits = "pending", raises = "success", changes = "success" }

  for what, late in pairs(LATE) do
    it("2.5 all that wait get the same, then it is called: one that " .. what, function()
      local trace, d = h.trace(), weir.Deferred()
      local t = telling(trace)
      local function tell(name) return function(...) t(name, ...) end end
      local function awaits(name) t(name, weir.await(d)) end
      weir.spawn(awaits, "before")
      weir.race({ d, weir.Deferred(function()
        d:add_callback(function(...)
          t("called", ...)
          return late()
        end)
        d:add_callbacks(tell "second", tell "second failed")
      end) }):add_callback(tell "race")
      d:chain(weir.Deferred():add_callback(tell "chain"))
      weir.shield(d):add_callback(tell "shield")
      weir.all({ d }):add_callback(function(list) t("all", list[1]) end)
      weir.any({ d, weir.Deferred() }):add_callback(tell "any")
      weir.Deferred():add_callback(function() return d end):add_callback(tell "adopter"):callback()
      weir.spawn(awaits, "behind")
      d:callback(1, 2)
      local list = trace:list()
      local got = {}
      for _, line in ipairs(list) do got[line] = (got[line] or 0) + 1 end
      for _, name in ipairs { "before", "behind", "race", "chain", "shield", "any", "adopter", "called" } do
        assert.equal(1, got[name .. " 1 2"], name .. ": " .. table.concat(list, "; "))
      end
      assert.equal(1, got["all 1"])
      assert.equal(STATUS[what], d:status())
      assert.equal(what == "waits" and 9 or 10, #list)
    end)
  end

  it("8.1 its failure is reported, though somebody has been told before", function()
    local reports = h.unhandled()
    local d = weir.Deferred()
    weir.race { d, weir.Deferred(function() d:add_callback(LATE.raises) end) }
    d:callback()
    weir.step()
    assert.equal(1, #reports)
    assert.equal("late", reports[1].err)
  end)

  it("6.1 nor is it called while it is held since", function()
    local t, d = h.trace(), weir.Deferred()
    weir.race { d, weir.Deferred(function()
      d:add_callback(t)
      d:pause()
    end) }
    d:callback "value"
    assert.same({}, t:list())
    d:unpause()
    assert.same({ "value" }, t:list())
  end)
end)
