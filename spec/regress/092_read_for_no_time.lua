if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local h = require "spec.helper"
local luv = require "weir.luv"
local x = require "spec.uv"

describe("regression 092", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  -- What waits had been registered before the time was looked at: nobody could read any more.
  it("2.7 a stream can be read after a call with a bad time", function()
    x.run(function()
      local stream, peer = x.stream()
      for _, what in ipairs { "l", "L", "a", 3 } do
        assert.matches("bad argument #2 to 'read' %(number expected", h.raised(stream.read, stream, what, "x"))
        assert.matches("bad argument #2 to 'read' %(time must not be", h.raised(stream.read, stream, what, -1))
      end
      assert.matches("bad argument #2 to 'read'", h.raised(stream.read, stream, nil, "x"))
      assert.matches("bad argument #2 to 'read_until'", h.raised(stream.read_until, stream, "x", {}))
      assert.matches("bad argument #2 to 'write'", h.raised(stream.write, stream, "x", 0 / 0))
      peer:write "some\n"
      assert.equal("some", stream:read("l", 10))
      stream:close()
      peer:close()
    end)
  end)

  it("2.7 a server accepts after a call with a bad time", function()
    x.run(function()
      local server <close> = luv.listen("127.0.0.1", 0)
      assert.matches("bad argument #1 to 'accept'", h.raised(server.accept, server, "x"))
      local client <close> = luv.connect(server:getsockname())
      local stream <close> = server:accept(10)
      assert.truthy(stream and client)
    end)
  end)
end)
