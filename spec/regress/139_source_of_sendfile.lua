-- luv.fs.close did not wait for a cancelled `sendfile` from that file: the next one to have its number was sent.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local x = require "spec.uv"

local SIZE = 3000000

describe("regression 139", function()
  after_each(x.assert_nothing_left)

  it("it waits for the thread, whichever of the two is closed", function()
    x.run(function()
      for _, which in ipairs { "source", "target" } do
        local path = os.tmpname()
        local file = assert(io.open(path, "w"))
        file:write(("x"):rep(SIZE))
        file:close()
        local source = weir.await(luv.fs.open(path, "r", 0))
        local ends = assert(luv.uv.pipe())
        local _ <close> = setmetatable({}, { __close = function() luv.uv.fs_close(ends.read) end })
        local sending = luv.fs.sendfile(ends.write, source, 0, SIZE)
        local taken = #weir.await(luv.fs.read(ends.read, 1))
        sending:cancel()
        local closing = luv.fs.close(which == "source" and source or ends.write)
        local other = luv.fs.close(which == "source" and ends.write or source)
        for _ = 1, 20 do weir.await(luv.fs.stat(path)) end -- the thread that sends waits for the reader
        assert.same({ "pending", "pending" }, { closing:status(), other:status() })
        local rest = 0
        repeat
          local piece = weir.await(luv.fs.read(ends.read, 65536))
          rest = rest + #piece
        until #piece == 0
        assert.is_true(taken + rest <= SIZE)
        assert.same({ true, true }, { weir.await(closing), weir.await(other) })
        os.remove(path)
      end
    end)
  end)
end)
