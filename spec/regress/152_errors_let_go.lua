-- The last error of a canceller or a hook was kept until the next one; and a trace that the report of another one had
-- begun was lost.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 152", function()
  before_each(h.unhandled)
  after_each(function()
    weir.debug(false)
    h.restore()
  end)

  local function is_kept(f)
    local weak = setmetatable({}, { __mode = "v" })
    weak[1] = {}
    f(weak)
    h.unhandled()
    h.collect()
    return weak[1] ~= nil
  end

  it("that of a canceller which has fired too", function()
    assert.is_false(is_kept(function(weak)
      weir.Deferred(function(d)
        d:callback()
        error(weak[1])
      end):cancel()
    end))
  end)

  it("that of a hook", function()
    assert.is_false(is_kept(function(weak)
      local d = weir.Deferred { pause = function() error(weak[1]) end }
      assert.is_false(pcall(d.pause, d))
    end))
  end)

  it("8.4 one trace at a time", function()
    local paths = { os.tmpname(), os.tmpname(), os.tmpname() }
    local file = assert(io.open(paths[1], "w"))
    weir.trace(file)
    file:close()
    local reports = 0
    weir.debug { report = function()
      reports = reports + 1
      if reports == 1 then weir.trace(paths[2]) end
    end }
    assert.is_truthy(h.raised(weir.trace, paths[3]):find("another trace has begun meanwhile", 1, true))
    weir.trace()
    file = assert(io.open(paths[2]))
    assert.equal("[", file:read(1))
    file:close()
    for _, path in ipairs(paths) do os.remove(path) end
  end)
end)
