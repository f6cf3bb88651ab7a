-- lock:run lost the permit if its coroutine was closed by force when that had been handed to it, but told to nobody:
-- fires are put off where they are nested deep.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 126", function()
  before_each(h.manual)
  after_each(h.restore)

  local function nested(n, f)
    if n == 0 then return f() end
    weir.succeed():add_callback(function() nested(n - 1, f) end)
  end

  local function check(o, depth)
    o:acquire()
    local co = o:run(function() weir.yield() end)
    nested(depth, function()
      o:release()
      co:close()
    end)
    weir.step()
    assert.equal("cancelled", co:status())
    local d = o:acquire()
    assert.equal("success", d:status())
  end

  it("at no depth", function()
    for depth = 0, 40 do
      check(weir.Lock(), depth)
      check(weir.Semaphore(1), depth)
    end
  end)
end)
