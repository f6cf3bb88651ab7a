-- A step whose budget was spent within nested spawns left the callers in the wrong order: the outermost went on first,
-- before what it had started had come to its first wait.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 157", function()
  local t

  before_each(function()
    h.manual()
    h.unhandled()
    weir.inline(false)
    t = h.trace()
  end)
  after_each(h.restore)

  local function nested(depth, leaf)
    if depth == 0 then return leaf() end
    weir.spawn(nested, depth - 1, leaf)
    t(depth)
    weir.yield()
    t(-depth)
  end

  local function steps(budget, n)
    for _ = 1, n or 20 do weir.step(budget) end
  end

  for _, budget in ipairs { math.huge, 0 } do
    it("3.2 callers go on in their order, budget " .. budget, function()
      weir.spawn(nested, 4, function()
        t "leaf"
        weir.yield()
        t "end"
      end)
      weir.spawn(function() t "next" end)
      steps(budget)
      assert.same({ "leaf", 1, 2, 3, 4, "next", "end", -1, -2, -3, -4 }, t:list())
    end)

    it("3.2 what they start then comes before those that called them, budget " .. budget, function()
      weir.spawn(function()
        weir.spawn(function()
          weir.spawn(t, "a")
          weir.spawn(function()
            weir.spawn(t, "b")
            t "c"
          end)
          t "d"
        end)
        weir.spawn(t, "e")
        t "f"
      end)
      steps(budget)
      assert.same({ "a", "b", "c", "d", "e", "f" }, t:list())
    end)
  end

  it("a hundred thousand deep, and nothing is on the C stack", function()
    weir.spawn(nested, 100000, function() t "leaf" end)
    for _ = 1, 3 do weir.step(0) end
    assert.same({ "leaf", 1, 2 }, t:list())
  end)
end)
