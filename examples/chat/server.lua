--- The server: takes connections, and has a coroutine for each in one scope.
local House = require "chat.house"
local luv = require "weir.luv"
local protocol = require "chat.protocol"
local run_session = require "chat.session"
local seeded = require "chat.random"
local weir = require "weir"

local Server = {}
Server.__index = Server

--- Listens; raises why that cannot be.
--- @param options table, see options.lua
--- @param log function that is told what happens
function Server.new(options, log)
  local listener = luv.listen(options.host, options.port, { limit = protocol.LIMIT })
  return setmetatable({ listener = listener, house = House.new(options, seeded(options.seed), log) }, Server)
end

--- @return address and port
function Server:address() return self.listener:getsockname() end

--- Awaits what never comes: a cancel ends it. Then no more connections are taken, and all there are end; they are told
--- the reason.
function Server:run()
  weir.await(weir.scope(function(scope)
    local listener <close> = self.listener
    local house <close> = self.house
    for stream in listener:iter() do scope:spawn(run_session, house, stream) end
  end))
end

return Server
