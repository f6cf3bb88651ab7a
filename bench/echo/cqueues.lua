-- Echo by cqueues: a coroutine for each connection, without buffers, so that a read returns what there is.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local AGAIN = 11
local MOST = 65536

local function serve(client)
  client:setmode("bn", "bn")
  client:settimeout(0)
  while true do
    local data, err = client:recv(-MOST)
    if data then
      client:send(data, 1, #data)
    elseif err == AGAIN then
      cqueues.poll(client)
    else
      break
    end
  end
  client:close()
end

local controller = cqueues.new()
local server = socket.listen { host = "127.0.0.1", port = 0 }
server:listen()
print((select(3, server:localname())))
io.stdout:flush()
controller:wrap(function()
  for client in server:clients() do controller:wrap(serve, client) end
end)
assert(controller:loop())
