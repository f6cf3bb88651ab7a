-- A Deferred that was two parts of `all` or `settle` counted as one that others wait for: a cancel left it alone, and
-- the success that its canceller answered with was lost.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 171", function()
  after_each(h.restore)

  local function answering(log)
    return weir.Deferred(function(d)
      log[#log + 1] = "asked"
      d:callback "acquired"
    end)
  end

  it("5.2 all and settle have what it answers with", function()
    for _, name in ipairs { "all", "settle" } do
      local log = {}
      local d = answering(log)
      local whole = weir[name] { d, d, d }
      assert.is_true(whole:cancel())
      assert.same({ "asked" }, log)
      local list = whole:result()
      local expected = name == "all" and "acquired" or { true, "acquired" }
      assert.same({ expected, expected, expected }, list)
    end
  end)

  it("5.2 so has who awaits it", function()
    local got
    local co = weir.spawn(function()
      local d = answering {}
      got = weir.await(weir.all { a = d, b = d })
      weir.yield()
    end)
    co:cancel()
    weir.step()
    assert.same({ a = "acquired", b = "acquired" }, got)
    assert.equal("cancelled", co:status())
  end)

  it("5.3 others that wait for it protect it still, wherever they stand", function()
    for place = 1, 3 do
      local log = {}
      local d, other = answering(log), nil
      local function join(i) if i == place then other = weir.spawn(weir.await, d) end end
      join(1)
      local one = weir.all { d, d }
      join(2)
      local two = weir.all { d }
      join(3)
      one:cancel()
      two:cancel()
      assert.same({}, log)
      assert.same({ "cancelled", "cancelled", "waiting" }, { one:status(), two:status(), other:status() })
      d:callback(1)
      assert.equal(1, other:result())
    end
  end)

  it("5.2 many take no more time than it takes", function()
    local log, list = {}, {}
    local d = answering(log)
    for i = 1, 100000 do list[i] = d end
    local whole = weir.all(list)
    whole:cancel()
    assert.equal(100000, #whole:result())
    assert.same({ "asked" }, log)
  end)
end)
