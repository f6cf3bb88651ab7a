-- In circles that meet, the way up from a Deferred was followed once for each of the ways that lead there: without end.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 067: circles of waits that meet", function()
  before_each(h.manual)
  after_each(h.restore)

  -- Each of n Deferreds is fired by any other.
  local function all_into_all(n)
    local list = {}
    for i = 1, n do list[i] = weir.Deferred() end
    for i = 1, n do
      for k = 1, n do
        if i ~= k then list[i]:chain(list[k]) end
      end
    end
    return list
  end

  it("6.1 are paused and unpaused", function()
    local list = all_into_all(8)
    list[1]:pause()
    local held = weir.spawn(weir.await, list[2])
    held:pause()
    held:unpause()
    list[1]:unpause()
    list[3]:callback("v")
    for i = 1, 8 do assert.are.equal("v", list[i]:result()) end
  end)

  it("6.1 are held when the last of them is closed", function()
    local one, other = weir.Deferred(), weir.Deferred()
    local co = weir.spawn(weir.await, other)
    co:pause()
    other:chain(one)
    co:chain(other)
    weir.spawn(weir.await, one):pause()
    one:chain(other)
    assert.are.equal("paused", co:status())
    one:callback("v")
    assert.are.same({ "pending", "pending" }, { one:status(), other:status() })
    co:unpause()
    assert.are.equal("success", other:status())
  end)

  it("5.2 are cancelled, traced and told", function()
    local list = all_into_all(8)
    local co = weir.spawn(weir.await, list[1])
    co:chain(list[5])
    assert.matches("stack traceback", co:traceback())
    assert.is_true(co:cancel("why"))
    assert.are.equal("cancelled", co:status())
    for i = 1, 8 do assert.are.equal("cancelled", list[i]:status()) end
  end)
end)
