-- A failure that had come for a part before the cancel, and was not told because of a pause or from within a callback,
-- was dropped, and reported as nobody's; a success was not.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 173", function()
  local unhandled
  before_each(function() unhandled = h.unhandled() end)
  after_each(h.restore)

  local function take(co) return co end
  local MAKERS = {
    race = function(d) return weir.race { d, weir.Deferred() } end,
    all = function(d) return weir.all { d, weir.Deferred() } end,
    map = function(d) return weir.map({ d, weir.Deferred() }, take) end,
    settle = function(d) return weir.settle { d } end,
    any = function(d) return weir.any { d } end,
  }

  local function error_of(whole)
    if whole:status() == "success" then return whole:result()[1][2] end
    local err = h.raised(whole.result, whole)
    return type(err) == "table" and err.errors and err.errors[1] or err
  end

  for name, make in pairs(MAKERS) do
    it("9.1 behind a pause: " .. name, function()
      local d = weir.Deferred()
      local whole = make(d)
      whole:pause()
      d:errback "F"
      assert.is_true(whole:cancel())
      assert.equal("F", error_of(whole))
      weir.step()
      assert.same({}, unhandled)
    end)

    it("9.1 from within an errback: " .. name, function()
      local d, whole = weir.Deferred(), nil
      d:add_errback(function(err)
        whole:cancel()
        error(err, 0)
      end)
      whole = make(d)
      d:errback "F"
      assert.equal("F", error_of(whole))
      weir.step()
      assert.same({}, unhandled)
    end)
  end

  it("9.1 a failure that answers the cancel is none of the whole's", function()
    for _, name in ipairs { "race", "all", "settle", "any" } do
      local d = weir.Deferred(function(d) d:errback "F" end)
      local whole = weir[name] { d }
      whole:cancel()
      assert.equal("cancelled", whole:status())
    end
  end)
end)
