-- examples/echo: it answers, any number at the same time, and ends on a signal.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local h = require "spec.helper"
local process = require "spec.process"
local x = require "spec.uv"

local function environment()
  local list = {}
  for name, value in pairs(luv.uv.os_environ()) do list[#list + 1] = name .. "=" .. value end
  list[#list + 1] = "LUA_PATH=" .. package.path
  list[#list + 1] = "LUA_CPATH=" .. package.cpath
  return list
end

local function start()
  local server = luv.spawn(process.interpreter(), {
    args = { "examples/echo/server.lua" }, stdio = { nil, "pipe", "inherit" }, env = environment(),
  })
  return server, math.tointeger(server.stdout:read "l")
end

describe("examples/echo", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("sends back what it gets, to many at the same time, and ends on SIGTERM", function()
    x.run(function()
      local server, port = start()
      local streams = {}
      for i = 1, h.scale(200) do streams[i] = luv.connect("127.0.0.1", port) end
      for i, stream in ipairs(streams) do stream:write("hello " .. i) end
      for i, stream in ipairs(streams) do assert.equal("hello " .. i, stream:read(#("hello " .. i))) end
      local big = ("x"):rep(3000000)
      weir.spawn(streams[1].write, streams[1], big)
      assert.equal(big, streams[1]:read(#big))
      assert.is_true(server:kill "sigterm")
      assert.same({ 0, 0 }, { weir.await(server.exited) })
      for _, stream in ipairs(streams) do
        assert.is_nil(stream:read())
        stream:close()
      end
      server.stdout:close()
    end)
  end)
end)
