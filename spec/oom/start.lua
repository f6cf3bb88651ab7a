--- Spawn, await, yield, noreturn, generators: a coroutine goes on, or fails for want of memory.
local help = require "spec.oom.help"
local weir = require "weir"

local function spawning(body, more)
  more = more or {}
  return {
    prepare = function() return { d = weir.Deferred(), list = {}, allowed = more.allowed } end,
    act = function(x)
      for i = 1, more.times or 1 do x.list[i] = weir.spawn(body, x.d, i) end
      weir.step()
      x.d:callback(1)
      for _ = 1, 5 do weir.step() end
    end,
    check = function(x)
      help.fire_again(x.d, 1)
      help.assert_all_told(x.list, more.allowed)
      help.assert_works()
    end,
  }
end

local function returns() return 1, 2 end
local function awaits(d) return weir.await(d) end
local function awaits_late(d) return weir.await(d, 1000) end
local function yields(d)
  weir.yield()
  coroutine.yield()
  return coroutine.yield(d)
end
local function nests(d)
  local function deeper(n)
    if n == 0 then return weir.await(d) end
    return (weir.await(weir.spawn(deeper, n - 1)))
  end
  return deeper(20)
end
local function hops(d)
  local function hop(n)
    local _ <close> = setmetatable({}, { __close = function() end })
    if n == 0 then return weir.noreturn(weir.await, d) end
    return weir.noreturn(hop, n - 1, "some", "more", { "values" })
  end
  return hop(20)
end
local function generates(d)
  local sum = 0
  for value in weir.wrap(function()
    for i = 1, 3 do
      weir.await(d)
      coroutine.yield(i)
    end
  end) do
    sum = sum + value
  end
  return sum
end
local function fails(d)
  weir.await(d)
  error { message = "of its own" }
end
local function closes(d)
  local _ <close> = setmetatable({}, { __close = function() weir.await(weir.succeed(1)) end })
  weir.await(d)
end
local function catches(d)
  local ok = pcall(function()
    weir.await(d)
    error "of its own"
  end)
  return ok
end
local function many_values(d)
  weir.await(d)
  return table.unpack({}, 1, 100)
end
local named = weir.coroutine(function(d) return weir.await(d) end, "named")

-- regression 179: without memory to say what was wrong, or for many values, one was running for ever.
local fifty = {}
for i = 1, 50 do fifty[i] = i end
local many = weir.succeed(table.unpack(fifty))
local function yields_no_deferred() coroutine.yield "bad" end
local function yields_itself() coroutine.yield(weir.current()) end
local function yields_many() return select("#", coroutine.yield(many)) end
local function hops_with_many() return weir.noreturn(select, "#", table.unpack(fifty)) end
local function hops_in_the_middle()
  weir.noreturn(select, "#", table.unpack(fifty))
  return "never"
end

return {
  spawning(returns), spawning(awaits), spawning(awaits, { times = 200 }), spawning(awaits_late), spawning(yields),
  spawning(yields, { times = 150 }), spawning(nests), spawning(hops), spawning(generates),
  spawning(fails, { allowed = "of its own" }), spawning(closes), spawning(catches), spawning(many_values),
  spawning(named), spawning(yields_no_deferred, { allowed = "something other than one Deferred" }),
  spawning(yields_itself, { allowed = "the running coroutine itself" }), spawning(yields_many),
  spawning(hops_with_many), spawning(hops_in_the_middle),
  { -- 120: one that ended when that could not be told is told of before its turn, and waits again
    prepare = function()
      weir.inline(false)
      local x = { d = weir.Deferred(), list = {}, allowed = "allowed" }
      for i = 1, 3 do x.list[i] = weir.spawn(error, "allowed", 0) end
      x.wait_again = function() return x.d end
      return x
    end,
    act = function(x)
      local ok, err = pcall(weir.step, 0)
      x.list[1]:add_errback(x.wait_again)
      x.list[4] = weir.spawn(weir.yield)
      x.d:callback(1)
      if not ok then error(err, 0) end
    end,
    check = function(x)
      weir.inline(true)
      help.fire_again(x.d, 1)
      help.assert_all_told(x.list, "allowed")
      help.assert_works()
    end,
  },
  { -- 153: who had called one of whose end nobody could be told goes on
    prepare = function() return { allowed = "boom" } end,
    act = function(x)
      weir.spawn(function()
        x.co = weir.current()
        x.called = weir.spawn(error, "boom", 0)
        return "end"
      end)
    end,
    check = function(x)
      weir.step()
      if x.co then assert(x.co:status() == "success" or x.co:status() == "failure") end
      help.assert_works()
    end,
  },
  { -- 146: a body that ends by a hop, for which there is no memory, or no stack
    prepare = function()
      local x = { allowed = "of its own", go = weir.Deferred() }
      x.new = function(a)
        x.ran = (x.ran or 0) + 1
        return a
      end
      x.body = load "local weir, f, a = ... local b, c, d, e, g, h, i, j weir.noreturn(f, a)"
      return x
    end,
    act = function(x) x.co = weir.spawn(x.body, weir, x.new, "hopped") end,
    check = function(x)
      assert(weir.spawn(function() return "other" end):result() == "other")
      assert((x.ran or 0) <= 1)
    end,
  },
}
