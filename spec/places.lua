-- Where nothing can suspend (contract 3.6): pairs of a name and a function that calls f there, once.
local weir = require "weir"

local function in_coroutine(f)
  return function(inner) weir.spawn(f, inner) end
end

return {
  { "from the host", function(f) f() end },
  { "in a plain coroutine of the host", function(f) coroutine.wrap(f)() end },
  { "in a Deferred callback", function(f)
    weir.succeed():add_callback(function() f() end)
  end },
  { "in a callback that a coroutine's fire runs", in_coroutine(function(f)
    local d = weir.Deferred()
    d:add_callback(function() f() end)
    d:callback()
  end) },
  { "in a canceller", in_coroutine(function(f)
    weir.Deferred(function() f() end):cancel()
  end) },
  { "in a table.sort comparator", in_coroutine(function(f)
    table.sort({ 2, 1 }, function(a, b)
      if f then f() end
      f = nil
      return a < b
    end)
  end) },
  { "in a string.gsub replacement", in_coroutine(function(f)
    string.gsub("x", "x", function() f() end)
  end) },
  { "in __tostring", in_coroutine(function(f)
    tostring(setmetatable({}, { __tostring = function()
      f()
      return ""
    end }))
  end) },
  { "in a message handler", in_coroutine(function(f)
    xpcall(error, function() f() end, "x")
  end) },
  { "in a plain coroutine.wrap inside a coroutine", in_coroutine(function(f)
    coroutine.wrap(f)()
  end) },
}
