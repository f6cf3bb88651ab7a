--- What luv tells of an end of a connection: an address and a port; of a pipe, its path.
local failure = require "weir.luv.failure"

return function(name, message)
  if not name then error(failure(message), 0) end
  if type(name) == "string" then return name end
  return name.ip, name.port
end
