if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local process = require "spec.process"

describe("regression 074", function()
  -- The signal for that ended the process: what keeps it away had left with weir.
  it("8.4 a write to a connection that is gone fails, also when weir had been taken out of the loop", function()
    local output, ok = process.run [[
      local weir = require "weir"
      local luv = require "weir.luv"
      local uv = luv.uv
      local fds = assert(uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true }))
      local a, b = uv.new_pipe(), uv.new_pipe()
      a:open(fds[1])
      b:open(fds[2])
      local stream = luv.stream(a)
      b:close()
      luv.detach()
      uv.run()
      local co = weir.spawn(function()
        return pcall(stream.write, stream, "x")
      end)
      print(select(1, co:result()), select(2, co:result()).code)
      stream:close()
    ]]
    assert.equal("false\tEPIPE\n", output)
    assert.is_true(ok)
  end)
end)
