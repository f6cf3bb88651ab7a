if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local h = require "spec.helper"
local process = require "spec.process"

describe("regression 093", function()
  after_each(h.restore)

  -- Those who were closed with the state told handles that luv had freed.
  it("8.4 a program may end while coroutines wait for libuv", function()
    local output, ok = process.run [[
      local weir = require "weir"
      local luv = require "weir.luv"
      luv.run(function()
        local server = luv.listen("127.0.0.1", 0)
        weir.spawn(server.serve, server, function(stream) stream:read() end)
        for _, what in ipairs { "l", 3, "a" } do
          local stream = luv.connect(server:getsockname())
          weir.spawn(stream.read, stream, what)
        end
        local held = luv.connect(server:getsockname())
        weir.spawn(held.read, held):pause()
        weir.spawn(function() for _ in luv.signals "sigusr1" do end end)
        weir.spawn(luv.getaddrinfo, "localhost")
        local child = luv.spawn("sleep", { args = { "10" } })
        weir.spawn(function() weir.await(child.exited) end)
        weir.sleep(0.01)
      end)
    ]]
    assert.equal("", output)
    assert.is_true(ok)
  end)
end)
