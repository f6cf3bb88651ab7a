-- A pause stopped the clock of `send`, in weir.socket, for the wait in which it came, but not for those behind it.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local socket = require "weir.socket"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.uv"

local SIZE = 20000000

describe("regression 141", function()
  after_each(function()
    h.restore()
    x.assert_nothing_left()
  end)

  for _, mode in ipairs { "b", "t" } do
    it("all is sent, mode " .. mode, function()
      local clock = h.manual()
      x.run(function()
        local server <close> = luv.listen("127.0.0.1", 0)
        local client <close> = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
        local peer <close> = server:accept()
        client:settimeout(5, mode)
        local sending = weir.spawn(client.send, client, ("x"):rep(SIZE))
        sending:pause()
        clock:advance(10)
        sending:unpause()
        local n = #peer:read()
        clock:advance(4)
        while n < SIZE do n = n + #peer:read() end
        assert.equal(SIZE, weir.await(sending))
      end)
    end)
  end
end)
