--- Some connections for many who ask at the same time: an answer belongs to who has asked, so each has one to itself.
local Connection = require "workers.connection"
local weir = require "weir"

local Pool = {}
Pool.__index = Pool

function Pool.new(address, seconds, n)
  local self = setmetatable({ idle = weir.Queue(), all = {} }, Pool)
  for i = 1, n do
    self.all[i] = Connection.new(address, seconds)
    self.idle:put(self.all[i])
  end
  return self
end

local function call(self, f)
  local connection = weir.await(self.idle:get())
  local _ <close> = setmetatable({}, { __close = function() self.idle:put(connection) end })
  return connection:call(f)
end

--- Awaits what f(client) returns. A cancel does not reach that: it would have to give up the connection.
function Pool:call(f)
  return weir.await(weir.shield(weir.spawn(call, self, f)))
end

function Pool:close()
  for _, connection in ipairs(self.all) do connection:close() end
end

return Pool
