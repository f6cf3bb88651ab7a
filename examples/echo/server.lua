-- An echo server: a coroutine for each connection, over weir.luv.
--
--     lua examples/echo/server.lua [port]
--
-- prints the port on which it listens. On an interrupt or SIGTERM it closes all connections and ends: by one cancel.
local weir = require "weir"
local luv = require "weir.luv"

local function echo(stream)
  for data in stream:iter() do stream:write(data) end
end

local function cancel_on_signal(co)
  for _ in luv.signals("sigint", "sigterm") do co:cancel() end
end

luv.run(function(port)
  local server <close> = luv.listen("127.0.0.1", port)
  local serving = weir.spawn(server.serve, server, echo)
  weir.spawn(cancel_on_signal, serving)
  print((select(2, server:getsockname())))
  io.stdout:flush()
  weir.await(weir.settle { serving })
end, tonumber(arg[1]) or 0)
