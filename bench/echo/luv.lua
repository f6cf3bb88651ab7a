-- Echo by plain callbacks of luv, as luv's own examples write it.
local uv = require "luv"

local server = uv.new_tcp()
server:bind("127.0.0.1", 0)
server:listen(512, function(err)
  assert(not err, err)
  local client = uv.new_tcp()
  server:accept(client)
  client:read_start(function(failure, data)
    assert(not failure, failure)
    if data then
      client:write(data)
    else
      client:close()
    end
  end)
end)
print(server:getsockname().port)
io.stdout:flush()
uv.run()
