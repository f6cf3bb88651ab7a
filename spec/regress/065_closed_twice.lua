-- Once a handler had raised in a close, every later one of the same Coroutine told of a failure: of its outcome.
local weir = require "weir"
local h = require "spec.helper"

describe("regression 065: close", function()
  before_each(h.manual)
  after_each(h.restore)

  local function raising()
    return weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() error("e", 0) end })
      weir.yield()
    end)
  end

  it("5.7 returns what was raised in this one, not in an earlier one", function()
    local pending = weir.Deferred()
    local co = raising():add_errback(function() return pending end)
    assert.are.same({ false, "e" }, { co:close() })
    assert.are.equal("waiting", co:status())
    assert.are.same({ true }, { co:close() })
    assert.are.equal("cancelled", pending:status())
  end)

  it("5.7 returns what was raised, whatever an errback makes of it", function()
    local co = raising():add_errback(function() return "v" end)
    assert.are.same({ false, "e" }, { co:close() })
    assert.are.equal("v", co:result())
  end)

  it("5.7 returns it to the close that ran the handlers, not to the one around that", function()
    local co
    local d = weir.Deferred(function(d) d:callback() end)
    local inner
    d:add_callback(function() inner = table.pack(co:close()) end)
    co = weir.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() error("e", 0) end })
      weir.await(d)
    end)
    assert.are.same({ true }, { co:close() })
    assert.are.same({ n = 2, false, "e" }, inner)
  end)
end)
