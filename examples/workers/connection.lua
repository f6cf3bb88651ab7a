--- A connection to Redis that comes back: what is asked is asked again until there is an answer.
local backoff = require "workers.backoff"
local client = require "workers.client"
local weir = require "weir"

local FIRST, MOST = 0.02, 2 -- seconds between attempts

-- `client` is there while it is connected.
local Connection = {}
Connection.__index = Connection

--- @param seconds that an answer may take; without limit, if nil
--- @return Connection that connects when it is needed
function Connection.new(address, seconds)
  return setmetatable({ address = address, seconds = seconds }, Connection)
end

function Connection:close()
  if self.client then client.close(self.client) end
  self.client = nil
end

local function try(self, f)
  self.client = self.client or client.connect(self.address, self.seconds)
  return f(self.client)
end

--- Awaits what f(client) returns. It is called again when the connection has failed, so it may have been done before.
function Connection:call(f)
  for n = 1, math.huge do
    local ok, answer = pcall(try, self, f)
    if ok then return answer end
    if not client.is_transient(answer) then
      if weir.is_cancelled(answer) then self:close() end
      error(answer, 0)
    end
    self:close()
    weir.sleep(backoff(n, FIRST, MOST))
  end
end

return Connection
