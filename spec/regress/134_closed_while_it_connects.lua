-- A connection of weir.socket that was closed while it looked for addresses, or before it was bound, was open and
-- closed at once: nothing could close it. With a closed server `connect` ended the process.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local socket = require "weir.socket"
local weir = require "weir"
local x = require "spec.uv"

local HOST = "127.0.0.1"

describe("regression 134", function()
  after_each(x.assert_nothing_left)

  -- A server, its port, and what a client gets that is closed by f(client) while `connect` is under way.
  local function closed_by(f, ...)
    local names = table.pack(...)
    return x.run(function()
      local server <close> = luv.listen(HOST, 0)
      local _, port = server:getsockname()
      local client = socket.tcp()
      local connecting = weir.spawn(client.connect, client, names[1], port)
      f(client, port)
      local results = table.pack(weir.await(connecting))
      return results, client:getfd(), client:close()
    end)
  end

  it("it stays closed", function()
    local results, fd, again = closed_by(function(client) client:close() end, "localhost")
    assert.same({ n = 2, nil, "closed" }, results)
    assert.same({ -1, 1 }, { fd, again })
  end)

  it("one that connects elsewhere meanwhile is that", function()
    local first, fd = closed_by(function(client, port)
      client:close()
      assert.equal(1, client:connect(HOST, port))
    end, "localhost")
    assert.same({ n = 2, nil, "closed" }, first)
    assert.is_true(fd >= 0)
  end)

  it("so it does if it has been closed before, and connects again", function()
    x.run(function()
      local server <close> = luv.listen(HOST, 0)
      local _, port = server:getsockname()
      local client = assert(socket.connect(HOST, port))
      client:close()
      local connecting = weir.spawn(client.connect, client, "localhost", port)
      client:close()
      assert.same({ n = 2, nil, "closed" }, table.pack(weir.await(connecting)))
      assert.equal(-1, client:getfd())
    end)
  end)

  it("no further address is tried", function()
    x.run(function()
      local tried = {}
      local dns = require "weir.socket.dns"
      local resolve, connect = dns.resolve, luv.uv.tcp_connect
      local client
      dns.resolve = function()
        return { { addr = HOST, port = 1, family = "inet" }, { addr = HOST, port = 2, family = "inet" } }
      end
      luv.uv.tcp_connect = function(handle, host, port, callback)
        tried[#tried + 1] = port
        local request = connect(handle, host, port, callback)
        client:close()
        return request
      end
      local _ <close> = setmetatable({}, {
        __close = function() dns.resolve, luv.uv.tcp_connect = resolve, connect end,
      })
      client = socket.tcp()
      assert.same({ nil, "closed" }, { client:connect("two.addresses", 1) })
      assert.same({ 1 }, tried)
    end)
  end)

  it("bound behind a close it is open", function()
    x.run(function()
      local server = socket.tcp4()
      server:close()
      assert.equal(1, server:bind(HOST, 0))
      assert.equal(1, server:listen())
      local client = assert(socket.connect(HOST, (select(2, server:getsockname()))))
      server:accept():close()
      assert.same({ nil, "closed", "" }, { client:receive() })
      client:close()
      assert.equal(1, server:close())
    end)
  end)

  it("a closed server may connect", function()
    x.run(function()
      local other <close> = socket.bind(HOST, 0)
      local server <close> = socket.bind(HOST, 0)
      server:close()
      assert.same({ nil, "closed" }, { server:accept() })
      assert.equal(1, server:connect(HOST, (select(2, other:getsockname()))))
    end)
  end)
end)
