-- More values than a stack has room for. Lua's stacks hold a million.
local weir = require "weir"
local h = require "spec.helper"

local HALF = 600000

describe("hard: a full stack", function()
  local values, reports
  before_each(function()
    h.manual()
    reports = h.unhandled()
    values = {}
    for i = 1, HALF do values[i] = i end
  end)
  after_each(h.restore)

  -- Calls f where most of the stack is in use.
  local function full(f)
    local function call(...)
      local results = table.pack(f())
      return ..., table.unpack(results, 1, results.n)
    end
    return select(2, call(table.unpack(values)))
  end

  local function count(...) return select("#", ...) end

  -- The failure is the Deferred's, whoever waits is told, and all else goes on.
  local function assert_overflow(d)
    assert.equal("failure", d:status())
    assert.matches("stack overflow", tostring(h.raised(d.result, d)), 1, true)
    assert.same({}, reports)
    assert.equal(1000, weir.succeed(table.unpack(values, 1, 1000)):add_callback(count):result())
    assert.equal("fine", h.inside(function() return weir.await(weir.succeed "fine") end))
  end

  for _, way in ipairs {
    { "await", weir.await },
    { "a plain yield", function(d)
      local n = count(coroutine.yield(d))
      for _ = 1, 3 do h.ignore() end -- the error comes at an instruction of Lua
      return n
    end },
  } do
    it("8.4 values that " .. way[1] .. " cannot be given are an error there, fired before or later", function()
      local d = weir.Deferred()
      local function wait_for(what)
        return weir.spawn(function() return full(function() return count(way[2](what)) end) end)
      end
      local before = wait_for(d)
      d:callback(table.unpack(values))
      assert_overflow(before)
      assert_overflow(wait_for(d))
      assert.equal(HALF, select("#", d:result()))
    end)
  end

  it("8.4 values that a callback cannot be given are its failure", function()
    local d = weir.Deferred()
    d:callback(table.unpack(values))
    full(function() d:add_callback(count) end)
    assert_overflow(d)
  end)

  it("8.4 arguments that a noreturn's function cannot be given end the coroutine", function()
    local co
    full(function()
      co = weir.spawn(function() weir.noreturn(count, table.unpack(values)) end)
    end)
    assert_overflow(co)
  end)

  it("8.4 values that whoever calls a generator has no room for are an error there, and it goes on", function()
    local n, message, after = h.inside(function()
      local generator = weir.wrap(function()
        coroutine.yield(table.unpack(values))
        return "after"
      end)
      local ok, err = full(function() return pcall(generator) end)
      assert.is_false(ok)
      return 1, err, generator()
    end)
    assert.same({ 1, "after" }, { n, after })
    assert.matches("too many results", message, 1, true)
  end)
end)
