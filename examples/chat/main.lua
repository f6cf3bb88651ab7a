-- A chat server with rooms, and a game in each room that wants one: see README.md.
--
--     lua examples/chat/main.lua [--port N] ...
--
-- On an interrupt or SIGTERM all are told, and it ends: by one cancel. A second signal ends it at once.
package.path = (arg[0]:match "^.*[/\\]" or "") .. "../?.lua;" .. package.path

local weir = require "weir"
local luv = require "weir.luv"
local Server = require "chat.server"
local options = require "chat.options"

local function log(text)
  print(text)
  io.stdout:flush()
end

local function fail(status, err)
  io.stderr:write("chat: ", tostring(err), "\n")
  os.exit(status, true)
end

local function stop_on_signal(task, seconds)
  for _ in luv.signals("sigint", "sigterm") do
    if not task:cancel("goodbye: the house closes", seconds) then task:close() end
  end
end

local parsed, settings = pcall(options.parse, arg)
if not parsed then fail(2, settings) end

local opened, server = pcall(Server.new, settings, log)
if not opened then fail(1, ("cannot listen on %s port %d: %s"):format(settings.host, settings.port, server)) end

luv.run(function()
  local task = weir.spawn(server.run, server)
  weir.spawn(stop_on_signal, task, settings.farewell + 1)
  log(("listening on %s port %d"):format(server:address()))
  local ok, err = pcall(weir.await, task)
  if not (ok or weir.is_cancelled(err)) then fail(1, err) end
end)
