-- A connection of weir.socket with something left to send, on which "send" had been shut down, was never closed.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local socket = require "weir.socket"
local weir = require "weir"
local x = require "spec.uv"

describe("regression 138", function()
  after_each(x.assert_nothing_left)

  local function received(finish)
    return x.run(function()
      local server <close> = luv.listen("127.0.0.1", 0)
      local client = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
      local peer <close> = server:accept()
      client:settimeout(0)
      local sent, err, last = client:send(("x"):rep(20000000))
      assert.same({ nil, "timeout" }, { sent, err })
      local handle = client.handle
      finish(client)
      assert.equal(last, #peer:read "a")
      weir.sleep(0.001)
      assert.is_true(handle:is_closing())
    end)
  end

  it("it is closed when all has been sent", function()
    received(function(client)
      client:shutdown "send"
      client:close()
    end)
  end)

  it("so it is without that", function()
    received(function(client) client:close() end)
  end)
end)
