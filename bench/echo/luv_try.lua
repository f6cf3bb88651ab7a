-- Echo by plain callbacks of luv, in its best way: a write that the system takes at once is no request of libuv's.
local uv = require "luv"

local server = uv.new_tcp()
server:bind("127.0.0.1", 0)
server:listen(512, function(err)
  assert(not err, err)
  local client = uv.new_tcp()
  server:accept(client)
  client:read_start(function(failure, data)
    assert(not failure, failure)
    if not data then return client:close() end
    local taken = client:try_write(data) or 0
    if taken < #data then client:write(data:sub(taken + 1)) end
  end)
end)
print(server:getsockname().port)
io.stdout:flush()
uv.run()
