--- Is that a signal: a number, or a name such as "sigterm" that this system has? libuv takes any other name for none.
local uv = require "weir.luv.uv"

return function(signal)
  if math.type(signal) == "integer" then return true end
  return type(signal) == "string" and signal:find "^sig%l" ~= nil and uv.constants[signal:upper()] ~= nil
end
