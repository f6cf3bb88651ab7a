-- Echo by plain coroutines, which luv's callbacks resume: the reading is started once, and a write is awaited.
local uv = require "luv"

local function body(client)
  local self = coroutine.running()
  local function resume(...)
    local ok, err = coroutine.resume(self, ...)
    if not ok then error(err, 0) end
  end
  client:read_start(resume)
  while true do
    local err, data = coroutine.yield()
    if err or not data then break end
    client:write(data, resume)
    coroutine.yield()
  end
  client:close()
end

local server = uv.new_tcp()
server:bind("127.0.0.1", 0)
server:listen(512, function(err)
  assert(not err, err)
  local client = uv.new_tcp()
  server:accept(client)
  coroutine.wrap(body)(client)
end)
print(server:getsockname().port)
io.stdout:flush()
uv.run()
