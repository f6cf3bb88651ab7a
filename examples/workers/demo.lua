-- All of it with a redis-server of its own: two workers, some jobs, a cancel, a kill, a drain.
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/../?.lua;" .. package.path
local weir = require "weir"
local luv = require "weir.luv"
local new_server = require "workers.server"

luv.run(function()
  local server <close> = new_server(false)

  local function start(program, ...)
    print("$ " .. table.concat({ program, ... }, " "))
    local process = luv.spawn(arg[-1], {
      args = { here .. "/" .. program, "--redis", server.address, ... }, stdio = { nil, "inherit", "inherit" },
    })
    return process
  end

  local function run(...)
    weir.await(start(...).exited)
  end

  local one = start("worker.lua", "--name", "one", "--lease", "1")
  local two = start("worker.lua", "--name", "two", "--lease", "1")
  run("producer.lua", "--id", "e", "--count", "3", "--kind", "echo", "--args", "hello")
  run("producer.lua", "--id", "flaky", "--kind", "fail", "--args", "1")
  run("producer.lua", "--id", "long", "--kind", "sleep", "--args", "60")
  run("producer.lua", "--id", "short", "--kind", "sleep", "--args", "2")
  weir.sleep(0.3)
  run("ctl.lua", "cancel", "long", "we do not need it any more")
  print "$ kill -9 of worker one"
  one:kill "sigkill"
  weir.sleep(4)
  run("ctl.lua", "show", "short")
  run("ctl.lua", "drain", "all")
  weir.await(two.exited)
  run("ctl.lua", "status")
end)
