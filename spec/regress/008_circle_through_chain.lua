local weir = require "weir"

-- chain closes circles as well as a returned Deferred does (2.10), but nothing looked for them.
describe("regression 008", function()
  it("2.10 Deferreds chained in a circle end when one of them is cancelled", function()
    local a, b = weir.Deferred(), weir.Deferred()
    pcall(a.chain, a, b)
    pcall(b.chain, b, a)
    a:cancel()
    assert.not_equal("pending", a:status())
  end)

  it("2.10 a traceback in a circle of an adopting coroutine and its chain ends", function()
    local d = weir.Deferred()
    local co = weir.spawn(function() return d end)
    pcall(co.chain, co, d)
    assert.is_string(co:traceback()) -- ran for ever
  end)
end)
