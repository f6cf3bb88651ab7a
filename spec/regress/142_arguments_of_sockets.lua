-- What LuaSocket takes was refused by weir.socket, or stopped it somewhere else; a port that is a float was refused by
-- luv.connect and luv.listen.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local socket = require "weir.socket"
local h = require "spec.helper"
local x = require "spec.uv"

describe("regression 142", function()
  after_each(x.assert_nothing_left)

  it("ports may be floats", function()
    x.run(function()
      local server <close> = luv.listen("127.0.0.1", 0.0)
      local host, port = server:getsockname()
      local stream <close> = luv.connect(host, port + 0.0)
      assert.equal(port, (select(2, stream:getpeername())))
    end)
  end)

  it("patterns may be whole words, and indices have something behind the point", function()
    x.run(function()
      local server <close> = socket.bind("127.0.0.1", 0)
      local client <close> = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
      local peer <close> = server:accept()
      assert.equal(4, client:send("xone\n", 1.9, -2.5))
      assert.equal(5, client:send("xone\n", "5"))
      assert.equal("xone", peer:receive "*line")
      client:close()
      assert.same({ nil, "closed", "" }, { peer:receive "*all" })
      assert.is_truthy(h.raised(peer.receive, peer, "all"):find("invalid receive pattern", 1, true))
      assert.is_truthy(h.raised(peer.send, peer, "x", "y"):find("bad argument #2 to 'send'", 1, true))
      assert.is_truthy(h.raised(peer.send, peer, "x", 1, {}):find("bad argument #3 to 'send'", 1, true))
    end)
  end)

  it("8.4 the value of an option is looked at where it is set", function()
    x.run(function()
      local server <close> = socket.bind("127.0.0.1", 0)
      local client <close> = socket.tcp()
      assert.is_truthy(h.raised(client.setoption, client, "tcp-nodelay", 1)
        :find("bad argument #2 to 'setoption' (boolean expected, got number)", 1, true))
      assert.is_false(client:getoption "tcp-nodelay")
      assert.equal(1, client:connect("127.0.0.1", (select(2, server:getsockname()))))
    end)
  end)
end)
