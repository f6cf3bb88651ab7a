-- The failure of what a coroutine waited for was told to nobody if that was closed before it went on.
local h = require "spec.helper"
local process = require "spec.process"
local weir = require "weir"

describe("regression 143", function()
  local reported
  before_each(function()
    h.manual()
    reported = h.unhandled()
  end)
  after_each(h.restore)

  local function errors()
    local list = {}
    for i, report in ipairs(reported) do list[i] = report.err end
    return list
  end

  it("8.1 closed by hand", function()
    weir.inline(false)
    local d = weir.Deferred()
    local co = weir.spawn(function() weir.await(d) end)
    weir.step()
    d:errback "disk full"
    assert.is_true(co:close())
    weir.step()
    assert.same({ "disk full" }, errors())
  end)

  it("8.1 with its traceback", function()
    weir.inline(false)
    local function fails()
      weir.yield()
      error "of a coroutine"
    end
    local inner = weir.spawn(fails)
    local co = weir.spawn(function() weir.await(inner) end)
    weir.spawn(function()
      weir.yield()
      co:close()
    end)
    weir.step()
    weir.step()
    assert.equal(1, #reported)
    assert.is_truthy(reported[1].traceback:find("143_failure_not_delivered.lua:%d+: in function <"))
  end)

  it("5.10 neither a cancel nor a limit is one", function()
    weir.inline(false)
    local d = weir.Deferred()
    local co = weir.spawn(function() weir.await(d) end)
    local limited = weir.spawn(function() weir.await(weir.Deferred(), 1) end)
    weir.step()
    d:cancel()
    weir.clock():advance(1)
    assert.is_true(co:close())
    assert.is_true(limited:close())
    weir.step()
    assert.same({}, errors())
  end)

  it("3.8 at the end of the state the failure of what is closed first", function()
    local output = process.run [[
      local weir = require "weir"
      weir.on_unhandled(function(err) print("unhandled: " .. err) end)
      local function on_close(f) return setmetatable({}, { __close = f }) end
      inner = weir.spawn(function()
        local _ <close> = on_close(function() error("could not save", 0) end)
        weir.await(weir.Deferred())
      end)
      outer = weir.spawn(function() weir.await(inner) end)
    ]]
    assert.equal("unhandled: could not save\n", output)
  end)
end)
