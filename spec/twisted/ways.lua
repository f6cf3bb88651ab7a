-- The two ways in which a body may wait, for specs that hold for both: it yields a Deferred, or it awaits it.
local weir = require "weir"

local ways = {}

-- With a frame of its own, so that a pcall around it catches what is raised behind the yield.
local function by_yield(d)
  local value = coroutine.yield(d)
  return value
end

--- List of { name =, wait = }.
ways.all = { { name = "yield", wait = by_yield }, { name = "await", wait = weir.await } }

--- Each way of an outer coroutine with each of an inner one: list of { name =, outer =, inner = }.
ways.pairs = {}
for _, outer in ipairs(ways.all) do
  for _, inner in ipairs(ways.all) do
    local name = ("%s of %s"):format(outer.name, inner.name)
    table.insert(ways.pairs, { name = name, outer = outer.wait, inner = inner.wait })
  end
end

--- One spec, f(way), for each of a list of ways; `it` is the spec file's own.
function ways.each(it, list, title, f)
  for _, way in ipairs(list) do
    it(("%s (%s)"):format(title, way.name), function() f(way) end)
  end
end

return ways
