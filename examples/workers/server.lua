--- A redis-server of one's own, in a directory of its own, on a free port of this host.
local luv = require "weir.luv"
local uv = luv.uv
local weir = require "weir"

local HOST = "127.0.0.1"

local Server = {}
Server.__index = Server

local function free_port()
  local server <close> = luv.listen(HOST, 0)
  local _, port = server:getsockname()
  return port
end

local function is_up(port)
  local ok, stream = pcall(luv.connect, HOST, port)
  if not ok then return false end
  local _ <close> = stream
  stream:write "PING\r\n"
  return stream:read "l" == "+PONG\r"
end

--- Awaits that it answers. Behind `kill` it has its old port, and what it kept.
function Server:start()
  self.process = luv.spawn("redis-server", { args = {
    "--port", tostring(self.port), "--bind", HOST, "--dir", self.dir, "--loglevel", "warning", "--save", "",
    "--appendonly", self.keeps and "yes" or "no",
  } })
  while not is_up(self.port) do
    if not self.process.exited:status():find "running" and not self.process.exited:status():find "waiting" then
      error("redis-server has ended", 0)
    end
    weir.sleep(0.01)
  end
end

--- Ends it at once, as a crash would.
function Server:kill()
  self.process:kill "sigkill"
  weir.await(self.process.exited)
end

local function remove(dir)
  for name, kind in uv.fs_scandir_next, assert(uv.fs_scandir(dir)) do
    if kind == "directory" then remove(dir .. "/" .. name) else os.remove(dir .. "/" .. name) end
  end
  assert(uv.fs_rmdir(dir))
end

--- Ends it, and removes what it kept.
function Server:stop()
  self:kill()
  remove(self.dir)
end

Server.__close = Server.stop

--- Awaits that it answers.
--- @param keeps whether it writes what it has to disk
--- @return Server, its `address` is "host:port"
return function(keeps)
  local port = free_port()
  local self = setmetatable({ port = port, address = HOST .. ":" .. port, keeps = keeps }, Server)
  self.dir = assert(uv.fs_mkdtemp "/tmp/weir-XXXXXX")
  self:start()
  return self
end
