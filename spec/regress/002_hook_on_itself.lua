local weir = require "weir"

describe("regression 002", function()
  it("6.2 a pause hook may pause and unpause its own Deferred", function()
    local calls = 0
    local d = weir.Deferred { pause = function(d)
      calls = calls + 1
      if calls < 4 then
        d:unpause()
        d:pause()
      end
    end, unpause = function() calls = calls + 10 end }
    d:pause()
    assert.is_true(calls > 0)
    d:unpause()
    d:callback(1)
    assert.equal("success", d:status())
  end)

  it("6.2 a pause hook may cancel its own Deferred", function()
    local d = weir.Deferred { pause = function(d) d:cancel() end }
    d:pause()
    assert.equal("cancelled", d:status())
  end)
end)
