-- weir.luv, servers and connections.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local h = require "spec.helper"
local x = require "spec.uv"
local uv = luv.uv

local function tidy()
  x.assert_nothing_left()
  h.restore()
end

-- A Server on a free port, its host and that port.
local function listen(...)
  local server = luv.listen("127.0.0.1", 0, ...)
  return server, server:getsockname()
end

local function echo(stream)
  for piece in stream:iter() do stream:write(piece) end
end

local function ask(host, port, text)
  local stream <close> = luv.connect(host, port)
  stream:write(text)
  return stream:read(#text)
end

describe("luv.connect, luv.listen:", function()
  after_each(tidy)

  it("connect two ends, which know each other's names", function()
    local server, host, port = listen()
    x.run(function()
      local a <close> = luv.connect(host, port)
      local b <close> = server:accept()
      a:write "there"
      b:write "back"
      assert.equal("there", b:read())
      assert.equal("back", a:read())
      assert.same({ host, port }, { a:getpeername() })
      assert.same({ a:getsockname() }, { b:getpeername() })
    end)
    server:close()
  end)

  it("by the name of a host", function()
    local server = luv.listen("localhost", 0)
    x.run(function()
      local a <close> = luv.connect("localhost", select(2, server:getsockname()))
      local _ <close> = server:accept()
      a:write "x"
    end)
    server:close()
  end)

  it("by a local socket", function()
    local path = os.tmpname()
    os.remove(path)
    local server = luv.listen(path, { backlog = 1 })
    assert.equal(path, server:getsockname())
    x.run(function()
      local a <close> = luv.connect(path, { limit = 5 })
      local b <close> = server:accept()
      b:write "x"
      assert.equal("x", a:read())
      assert.equal(path, a:getpeername())
    end)
    server:close()
  end)

  it("with a handle that is bound already, which belongs to the server then", function()
    local handle = uv.new_tcp()
    handle:bind("127.0.0.1", 0)
    local server = luv.listen(handle, { backlog = 1 })
    x.run(function()
      local a <close> = luv.connect(server:getsockname())
      local b <close> = server:accept()
      b:write "x"
      assert.equal("x", a:read())
    end)
    server:close()
    assert.is_true(handle:is_closing())
  end)

  it("8.4 with a handle of another kind, or one that cannot listen", function()
    local timer = uv.new_timer()
    assert.matches("bad argument #1 to 'listen'", h.raised(luv.listen, timer))
    timer:close()
    local unbound = uv.new_pipe()
    assert.equal("EINVAL", h.raised(luv.listen, unbound).code)
    assert.is_true(unbound:is_closing())
  end)

  it("8.3 what fails raises libuv's error, and leaves nothing open", function()
    local server, host, port = listen()
    assert.equal("EADDRINUSE", h.raised(luv.listen, host, port).code)
    server:close()
    x.run(function()
      assert.equal("ECONNREFUSED", h.raised(luv.connect, host, port).code)
      assert.equal("ENOENT", h.raised(luv.connect, "/nowhere/at/all").code)
      assert.equal("EAI_NONAME", h.raised(luv.connect, "127.0.0.300", 1).code)
      assert.equal("EACCES", h.raised(luv.listen, "/proc/nothing").code)
      assert.equal("EAI_NONAME", h.raised(luv.listen, "127.0.0.300", 1).code)
      assert.equal("EADDRNOTAVAIL", h.raised(luv.listen, "192.0.2.1", 1).code)
    end)
  end)

  it("8.4 checks its arguments, and 3.6 where it is called", function()
    assert.matches("attempt to await outside a coroutine", h.raised(luv.connect, "127.0.0.1", 1))
    assert.matches("bad argument #1 to 'connect'", h.inside(h.raised, luv.connect))
    assert.matches("bad argument #2 to 'connect'", h.inside(h.raised, luv.connect, "x", 1.5))
    assert.matches("bad argument #1 to 'listen'", h.raised(luv.listen))
    assert.matches("bad argument #2 to 'listen'", h.raised(luv.listen, "x", 1.5))
  end)

  it("5.1 a cancel of a connect closes the handle", function()
    local server, host, port = listen { backlog = 1 }
    x.run(function()
      local list = {}
      for i = 1, 10 do list[i] = weir.spawn(luv.connect, host, port) end -- nobody accepts
      for _, co in ipairs(list) do co:cancel() end
      weir.await(weir.settle(list))
    end)
    server:close()
    assert.has_no.errors(x.assert_nothing_left)
  end)

  it("5.7 close by force closes it too", function()
    local server, host, port = listen()
    local co = weir.spawn(luv.connect, host, port)
    x.rounds(1)
    co:close()
    server:close()
  end)

  it("6.1 a pause holds the connection", function()
    local server, host, port = listen()
    local co = weir.spawn(luv.connect, host, port)
    co:pause()
    x.rounds(5)
    assert.equal("paused", co:status())
    co:unpause()
    x.run(function() weir.await(co):close() end)
    server:close()
  end)
end)

describe("Server:", function()
  after_each(tidy)

  it("accept gives connections to those who wait, first come, first served", function()
    local server, host, port = listen()
    local t = h.trace()
    x.run(function()
      local acceptors = {}
      for i = 1, 3 do
        acceptors[i] = weir.spawn(function()
          local stream <close> = server:accept()
          t(i .. stream:read())
        end)
      end
      for i = 1, 3 do
        local stream <close> = luv.connect(host, port)
        stream:write(tostring(i))
        weir.await(acceptors[i])
      end
    end)
    assert.same({ "11", "22", "33" }, t:list())
    server:close()
  end)

  it("5.1 one who is cancelled or times out takes none", function()
    local server, host, port = listen()
    x.run(function()
      local first = weir.spawn(server.accept, server)
      local second = weir.spawn(server.accept, server)
      assert.equal("TimeoutError", h.raised(server.accept, server, 0.002).name)
      first:cancel()
      local stream <close> = luv.connect(host, port)
      weir.await(second):close()
      assert.is_nil(stream:read())
    end)
    server:close()
  end)

  it("6.3 one who is held keeps the place and takes none", function()
    local server, host, port = listen()
    x.run(function()
      local first = weir.spawn(server.accept, server)
      local second = weir.spawn(server.accept, server)
      first:pause()
      local a <close> = luv.connect(host, port)
      weir.await(second):close()
      local b <close> = luv.connect(host, port)
      weir.sleep(0.005)
      assert.equal("paused", first:status())
      first:unpause()
      weir.await(first):close()
      assert.is_nil(a:read())
      assert.is_nil(b:read())
    end)
    server:close()
  end)

  it("connections that nobody accepts wait in the system", function()
    local server, host, port = listen()
    x.run(function()
      local list = {}
      for i = 1, 5 do list[i] = luv.connect(host, port) end
      for i = 1, 5 do
        list[i]:write(tostring(i))
        local stream <close> = server:accept()
        assert.equal(tostring(i), stream:read())
        list[i]:close()
      end
    end)
    server:close()
  end)

  it("close ends a loop of accepts, and what comes behind", function()
    local server = listen()
    x.run(function()
      local loop = weir.spawn(function()
        for _ in server:iter() do error "nobody came" end
        return "over"
      end)
      local waits = weir.spawn(server.accept, server)
      server:close()
      server:close()
      assert.equal("over", weir.await(loop))
      assert.is_nil(weir.await(waits))
      assert.is_nil(server:accept())
      assert.equal("ClosedError", h.raised(server.getsockname, server).name)
    end)
    assert.matches("^Server: 0x%x+ %(closed%)$", tostring(server))
  end)

  it("3.8 one that nobody can reach is closed by the collector, one that is waited at is not", function()
    local server, host, port = listen()
    local t = h.trace()
    weir.spawn(function() server:accept():close(); t "accepted" end)
    server = nil -- luacheck: ignore
    h.collect()
    x.run(function()
      luv.connect(host, port):close()
      weir.sleep(0.005)
      h.collect()
      assert.equal("ECONNREFUSED", h.raised(luv.connect, host, port).code)
    end)
    assert.same({ "accepted" }, t:list())
  end)

  it("3.7 one that nobody waits at keeps no loop alive", function()
    local server = listen()
    local err = h.raised(luv.run, function() weir.await(weir.Deferred()) end)
    assert.equal("DeadlockError", err.name)
    weir.spawn(server.accept, server):cancel()
    luv.run()
    server:close()
  end)

  it("8.4 checks self", function()
    local server = listen()
    for _, name in ipairs { "iter", "getsockname", "close" } do
      assert.matches("calling '" .. name .. "' on bad self %(Server expected", h.raised(server[name], {}))
    end
    assert.matches("calling 'accept' on bad self", h.inside(h.raised, server.accept, {}))
    assert.matches("bad argument #1 to 'serve'", h.inside(h.raised, server.serve, server))
    assert.matches("bad argument #2 to 'serve'", h.inside(h.raised, server.serve, server, print, 0))
    assert.matches("attempt to await outside", h.raised(server.serve, server, print))
    server:close()
  end)
end)

describe("Server:serve", function()
  after_each(tidy)

  it("runs a coroutine for each connection, and closes that behind it", function()
    local server, host, port = listen()
    x.run(function()
      local serving = weir.spawn(server.serve, server, weir.coroutine(echo))
      local calls = {}
      for i = 1, h.scale(100) do calls[i] = weir.spawn(ask, host, port, "hello " .. i) end
      for i, text in ipairs(weir.await(weir.all(calls))) do assert.equal("hello " .. i, text) end
      server:close()
      weir.await(serving)
    end)
  end)

  it("waits behind a close for those that run", function()
    local server, host, port = listen()
    local t = h.trace()
    x.run(function()
      local serving = weir.spawn(function()
        server:serve(function(stream) stream:read(); weir.sleep(0.002); t "handled" end)
        t "served"
      end)
      local stream <close> = luv.connect(host, port)
      weir.sleep(0.005)
      server:close()
      stream:write "x"
      weir.await(serving)
    end)
    assert.same({ "handled", "served" }, t:list())
  end)

  it("5.2 a cancel cancels all, in their order, and waits for their cleanup", function()
    local server, host, port = listen()
    local t = h.trace()
    x.run(function()
      local serving = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() t "served" end })
        server:serve(function(stream)
          local name = stream:read()
          local _ <close> = setmetatable({}, { __close = function() weir.sleep(0.002); t(name) end })
          stream:read()
        end)
      end)
      local streams = {}
      for i = 1, 5 do
        streams[i] = luv.connect(host, port)
        streams[i]:write(tostring(i))
        weir.sleep(0.002)
      end
      serving:cancel()
      assert.is_true(weir.is_cancelled(h.raised(weir.await, serving)))
      for _, stream in ipairs(streams) do
        assert.is_nil(stream:read())
        stream:close()
      end
    end)
    assert.same({ "1", "2", "3", "4", "5", "served" }, t:list())
    server:close()
  end)

  it("5.7 close by force cancels all", function()
    local server, host, port = listen()
    local t = h.trace()
    x.run(function()
      local serving = weir.spawn(server.serve, server, function(stream)
        local _ <close> = setmetatable({}, { __close = function() t "handler" end })
        stream:read()
      end)
      local stream <close> = luv.connect(host, port)
      weir.sleep(0.005)
      serving:close()
      assert.is_nil(stream:read())
    end)
    assert.same({ "handler" }, t:list())
    server:close()
  end)

  it("8.1 a failure of one is reported, and leaves the others alone", function()
    local reports = h.unhandled()
    local server, host, port = listen()
    x.run(function()
      local serving = weir.spawn(server.serve, server, function(stream)
        local text = stream:read(1)
        if text == "!" then error("handler failed", 0) end
        stream:write(text)
      end)
      assert.is_nil(ask(host, port, "!"))
      assert.equal("x", ask(host, port, "x"))
      serving:cancel()
    end)
    h.collect()
    weir.step()
    assert.same({ "handler failed" }, { reports[1].err, reports[2] and reports[2].err })
    server:close()
  end)

  it("takes no more than the limit at a time", function()
    local server, host, port = listen()
    local now, most = 0, 0
    x.run(function()
      local serving = weir.spawn(server.serve, server, function(stream)
        now = now + 1
        most = math.max(most, now)
        stream:write(stream:read(1))
        weir.sleep(0.001)
        now = now - 1
      end, 3)
      local calls = {}
      for i = 1, 10 do calls[i] = weir.spawn(ask, host, port, "x") end
      weir.await(weir.all(calls))
      serving:cancel()
    end)
    assert.equal(3, most)
    server:close()
  end)

  it("6.1 a pause of it accepts nothing", function()
    local server, host, port = listen()
    x.run(function()
      local serving = weir.spawn(server.serve, server, echo)
      serving:pause()
      local call = weir.spawn(ask, host, port, "x")
      weir.sleep(0.01)
      assert.equal("waiting", call:status())
      serving:unpause()
      assert.equal("x", weir.await(call))
      serving:cancel()
    end)
    server:close()
  end)

  it("many connections that come and go leave nothing behind", function()
    local server, host, port = listen()
    local before
    x.run(function()
      local open = 0
      local serving = weir.spawn(server.serve, server, function(stream)
        open = open + 1
        echo(stream)
        open = open - 1
      end)
      local function load(n)
        local list = {}
        for i = 1, n do list[i] = i end
        weir.await(weir.map(list, function() ask(host, port, "some text") end, 20))
        while open > 0 do weir.sleep(0.001) end -- the other side may not have seen the end yet
        h.collect()
        return collectgarbage "count"
      end
      load(h.scale(500))
      before = load(h.scale(500))
      local after = load(h.scale(1000))
      assert.is_true(after < before + 50, ("%.0f KB, then %.0f KB"):format(before, after))
      serving:cancel()
    end)
    server:close()
  end)
end)

describe("uv handles of the specs:", function()
  after_each(tidy)

  it("are found when they are left open", function()
    local timer = uv.new_timer()
    assert.matches("left open: uv_timer_t", h.raised(x.assert_nothing_left))
    assert.is_true(timer:is_closing())
  end)
end)
