local h = require "spec.helper"
local weir = require "weir"

describe("regression 048", function()
  before_each(h.manual)
  after_each(h.restore)

  -- The cancel error came back in place of what the Deferred brought.
  it("2.3 an errback of a cancelled Coroutine may return a Deferred, as it may return a value", function()
    local gate = weir.Deferred()
    local now = weir.spawn(weir.sleep, 1):add_errback(function() return weir.succeed "now" end)
    local later = weir.spawn(weir.sleep, 1):add_errback(function() return gate end)
    now:cancel()
    later:cancel()
    gate:callback "later"
    assert.equal("now", now:result())
    assert.equal("later", later:result())
  end)

  it("5.6 one that is cancelled while it waits for what a callback returned ends cancelled", function()
    local gate = weir.Deferred(function(d) d:callback "an answer" end)
    local co = weir.spawn(h.ignore):add_callback(function() return gate end)
    assert.is_true(co:cancel())
    assert.equal("cancelled", co:status())
  end)
end)
