-- What a handler of server:serve raised while that waited for those that still ran was told to nobody.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.uv"

describe("regression 135", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  -- What is reported if handlers, one of which fails, are still there when the server is closed, or `serve` cancelled.
  local function reported(finish)
    local list = {}
    weir.on_unhandled(function(err) list[#list + 1] = tostring(err) end)
    local outcome = x.run(function()
      local server = luv.listen("127.0.0.1", 0)
      local begun = 0
      local serving = weir.spawn(server.serve, server, function(stream)
        begun = begun + 1
        local number = begun
        pcall(weir.sleep, 0.005)
        if number == 2 then error("of a handler", 0) end
        stream:write "done"
      end)
      local clients = {}
      for i = 1, 3 do clients[i] = luv.connect(server:getsockname()) end
      while begun < 3 do weir.sleep(0.001) end
      finish(server, serving)
      local ok, err = pcall(weir.await, serving)
      assert.same({ "done", nil, "done" }, { clients[1]:read(), clients[2]:read(), clients[3]:read() })
      for i = 1, 3 do clients[i]:close() end
      server:close()
      return ok or err.name
    end)
    h.collect()
    luv.run()
    return list, outcome
  end

  it("it is reported behind server:close", function()
    local list, outcome = reported(function(server) server:close() end)
    assert.same({ { "of a handler" }, true }, { list, outcome })
  end)

  it("and behind a cancel", function()
    local list, outcome = reported(function(_, serving) serving:cancel() end)
    assert.same({ { "of a handler" }, "CancelledError" }, { list, outcome })
  end)
end)
