--- Hops from body to body in one coroutine: their time, and that they leave nothing behind.
local weir = require "weir"
local process = require "process"
local resume, close = coroutine.resume, coroutine.close
local noreturn = weir.noreturn

local function hop(left)
  if left > 0 then
    return noreturn(hop, left - 1)
  end
end

local decorated
decorated = weir.coroutine(function(left)
  if left > 0 then
    return noreturn(decorated, left - 1)
  end
end)

local function wait(left)
  return coroutine.yield(left)
end

local function create_and_close(n)
  for i = 1, n do
    local co = coroutine.create(wait)
    resume(co, i)
    close(co)
  end
end

local function timed(name, start)
  return {
    name = name,
    n = 1000000,
    target = 0.5,
    workload = start,
    baseline = create_and_close,
  }
end

--- What `bytes` grows by from a thousandth of n hops to n.
local function growth(bytes, n)
  local few, before, after
  local body
  local function count(hops)
    if hops == few then
      before = bytes()
    elseif hops == n then
      after = bytes()
      return
    end
    return noreturn(body, hops + 1)
  end
  body = count
  few = n // 1000
  weir.spawn(body, 1)
  local plain_growth = after - before
  body = weir.coroutine(count)
  weir.spawn(body, 1)
  return math.max(plain_growth, after - before)
end

local function memory(name, bytes)
  return {
    name = name,
    n = 10000000,
    runs = 1,
    unit = "B",
    target = 65536,
    workload = bytes() and function(n)
      return growth(bytes, n)
    end,
  }
end

return {
  timed("noreturn, plain", function(n)
    weir.spawn(hop, n)
  end),
  timed("noreturn, decorated", function(n)
    weir.spawn(decorated, n)
  end),
  memory("noreturn, growth by Lua's count", process.lua_bytes),
  memory("noreturn, growth of the process", process.resident_bytes),
}
