-- A Stream on which `iter` had been called, and a server of weir.socket, were never collected: what libuv has of them
-- had them.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local socket = require "weir.socket"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.uv"

describe("regression 136", function()
  after_each(x.assert_nothing_left)

  it("a Stream is collected between two steps of its iter", function()
    local seen = setmetatable({}, { __mode = "k" })
    x.run(function()
      local a, b = x.pair()
      seen[a] = true
      b:write "one"
      assert.equal("one", a:iter()())
      a = nil -- luacheck: ignore
      weir.sleep(0)
      h.collect()
      assert.is_nil(next(seen))
      assert.is_nil(b:read())
      b:close()
    end)
  end)

  it("but not while one waits in it, or has it", function()
    x.run(function()
      local a, b = x.pair()
      local next_piece = a:iter()
      a = nil -- luacheck: ignore
      h.collect()
      local reading = weir.spawn(next_piece)
      h.collect()
      b:write "one"
      assert.equal("one", weir.await(reading))
      h.collect()
      b:write "two"
      assert.equal("two", next_piece())
      b:close()
      assert.is_nil(next_piece())
    end)
  end)

  it("a server of weir.socket is collected", function()
    x.run(function()
      local server = socket.bind("127.0.0.1", 0)
      local host, port = server:getsockname()
      server = nil -- luacheck: ignore
      h.collect()
      assert.same({ nil, "connection refused" }, { socket.connect(host, port) })
    end)
  end)

  it("but not while one waits for a connection", function()
    x.run(function()
      local server = socket.bind("127.0.0.1", 0)
      local host, port = server:getsockname()
      local accepting = weir.spawn(server.accept, server)
      server = nil -- luacheck: ignore
      h.collect()
      local client = assert(socket.connect(host, port))
      weir.await(accepting):close()
      assert.same({ nil, "closed", "" }, { client:receive() })
      client:close()
    end)
    h.collect()
  end)
end)
