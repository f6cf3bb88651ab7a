-- A pause stopped the clock of `send`, in weir.socket, for the wait in which it came, but not for those behind it.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local socket = require "weir.socket"
local weir = require "weir"
local x = require "spec.uv"

local SIZE = 20000000

describe("regression 141", function()
  after_each(x.assert_nothing_left)

  for _, mode in ipairs { "b", "t" } do
    it("all is sent, mode " .. mode, function()
      x.run(function()
        local server <close> = luv.listen("127.0.0.1", 0)
        local client <close> = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
        local peer <close> = server:accept()
        client:settimeout(5, mode)
        client.limit.start = 0
        local sending = weir.spawn(client.send, client, ("x"):rep(SIZE))
        local begun = client.limit.start
        weir.sleep(0.001)
        sending:pause()
        weir.sleep(0.02)
        sending:unpause()
        local shifted = client.limit.start - begun
        assert.is_true(shifted >= 0.02)
        local n = 0
        while n < SIZE do n = n + #peer:read() end
        assert.equal(SIZE, weir.await(sending))
      end)
    end)
  end
end)
