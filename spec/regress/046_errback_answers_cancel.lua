local h = require "spec.helper"
local weir = require "weir"

describe("regression 046", function()
  before_each(h.manual)
  after_each(h.restore)

  local function recover() return "recovered" end
  local function is_cancelled_at(d)
    local ok, err
    local co = weir.spawn(function() ok, err = pcall(weir.await, d) end)
    co:cancel()
    assert.equal("cancelled", co:status())
    assert.is_false(ok)
    assert.is_true(weir.is_cancelled(err))
  end

  -- It was delivered as if a canceller had answered with it.
  it("5.2 a success that an errback makes of the cancel error is not delivered", function()
    is_cancelled_at(weir.Deferred():add_errback(recover))
  end)

  it("5.2 nor is one that comes through a chain or a returned Deferred", function()
    local other = weir.Deferred()
    weir.Deferred():add_errback(recover):chain(other)
    is_cancelled_at(other)
    local inner = weir.Deferred():add_errback(recover)
    is_cancelled_at(weir.succeed():add_callback(function() return inner end))
    local pending = weir.Deferred()
    is_cancelled_at(weir.succeed():add_callback(function() return pending end):add_errback(recover))
  end)

  it("5.8 a success that the canceller answers with is, through all of these", function()
    local function answer(d) d:callback("acquired") end
    local other, values = weir.Deferred(), {}
    weir.Deferred(answer):chain(other)
    local inner = weir.Deferred(answer)
    for i, d in ipairs { other, weir.succeed():add_callback(function() return inner end), weir.Deferred(answer) } do
      local co = weir.spawn(function() values[i] = weir.await(d) end)
      co:cancel()
      assert.equal("cancelled", co:status())
    end
    assert.same({ "acquired", "acquired", "acquired" }, values)
  end)
end)
