--- The client of lua-redis, as it is, over weir.socket, with the commands that it does not know yet.
local socket = require "weir.socket"

-- Debian has it for the Luas up to 5.3. It is the same file for all.
local path = package.path
package.path = path .. ";/usr/share/lua/5.3/?.lua"
local redis = require "redis"
package.path = path

for _, name in ipairs { "xreadgroup", "xautoclaim", "xgroup", "xinfo", "xpending", "xlen" } do
  redis.commands[name] = redis.command(name)
end

-- One that sends nothing: the next message, for who has subscribed.
redis.commands.next_message = redis.command("", { request = function() end })

local client = {}

--- Awaits a connection.
--- @param address "host:port"
--- @param seconds that it may take, and later each answer; without limit, if nil
function client.connect(address, seconds)
  local host, port = address:match "^(.*):(%d+)$"
  local sock = socket.tcp()
  sock:settimeout(seconds, "t")
  local ok, err = sock:connect(host, port)
  if not ok then
    sock:close()
    error(("connection error: %s: %s"):format(address, err), 0)
  end
  sock:setoption("tcp-nodelay", true)
  sock:setoption("keepalive", true)
  return redis.connect { socket = sock }
end

function client.close(self)
  self.network.socket:close()
end

-- What may be better next time.
local TRANSIENT = { "connection error: ", ": closed$", ": timeout$", "redis error: LOADING", "redis error: READONLY" }

--- Is it because of the connection, or of a server that is not ready?
function client.is_transient(err)
  if type(err) ~= "string" then return false end
  for _, pattern in ipairs(TRANSIENT) do
    if err:find(pattern) then return true end
  end
  return false
end

return client
