-- weir.socket in coroutines: what LuaSocket has not: others that go on meanwhile, cancel, pause.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local socket = require "weir.socket"
local h = require "spec.helper"
local same = require "spec.same"
local x = require "spec.uv"

local function tidy()
  x.assert_nothing_left()
  h.restore()
end

local function within(f)
  return x.run(function()
    local client, stream = same.pair()
    local _ <close> = client
    local _ <close> = stream
    return f(client, stream)
  end)
end

-- Time to get to the other side and back.
local function settle_down() weir.await(luv.work(function() end)()) end

-- Until something has come.
local function settle_down_on(client)
  repeat settle_down() until client:dirty()
end

describe("weir.socket:", function()
  after_each(tidy)

  it("3.6 what has to wait is refused outside of coroutines, the rest is not", function()
    local server = assert(socket.bind("127.0.0.1", 0))
    local master = socket.tcp4()
    for _, f in ipairs {
      function() socket.connect("127.0.0.1", 1) end,
      function() master:connect("127.0.0.1", 1) end,
      function() server:accept() end,
      function() socket.sleep(0) end,
      function() socket.dns.toip "127.0.0.1" end,
    } do
      assert.matches("outside a coroutine", h.raised(f))
    end
    local client
    x.run(function() client = assert(socket.connect("127.0.0.1", (select(2, server:getsockname())))) end)
    assert.matches("outside a coroutine", h.raised(client.receive, client))
    assert.matches("outside a coroutine", h.raised(client.send, client, "x"))
    client:settimeout(1)
    client:setoption("tcp-nodelay", true)
    assert.equal("127.0.0.1", (client:getpeername()))
    client:close()
    server:close()
  end)

  it("3.5 others go on while one waits", function()
    local t = h.trace()
    within(function(client, stream)
      local reader = weir.spawn(function() t(client:receive()) end)
      t "others"
      stream:write "line\n"
      weir.await(reader)
    end)
    assert.same({ "others", "line" }, t:list())
  end)

  it("one may send while another receives, and two do not receive at the same time", function()
    within(function(client, stream)
      local reader = weir.spawn(client.receive, client)
      assert.equal(3, client:send "abc")
      assert.matches("socket_spec.-another coroutine receives", h.raised(function() client:receive(1); h.ignore() end))
      stream:write "line\n"
      assert.equal("line", weir.await(reader))
      assert.equal("abc", stream:read())
    end)
  end)

  it("what several send stays whole, and in order", function()
    within(function(client, stream)
      local size, senders = 300000, {}
      for i = 1, 4 do senders[i] = weir.spawn(client.send, client, tostring(i):rep(size)) end
      local text = stream:read(4 * size)
      weir.await(weir.all(senders))
      for i = 1, 4 do assert.equal(tostring(i):rep(size), text:sub((i - 1) * size + 1, i * size)) end
    end)
  end)

  it("a send keeps no more than a piece beside what the system takes", function()
    within(function(client, stream)
      local size = 30000000
      local sender = weir.spawn(client.send, client, ("x"):rep(size))
      settle_down()
      assert.equal("waiting", sender:status())
      assert.is_true(client.handle:get_write_queue_size() <= 8192)
      local n = 0
      repeat n = n + #stream:read() until n == size
      assert.equal(size, weir.await(sender))
    end)
  end)

  it("close sends what was said to be sent", function()
    within(function(client, stream)
      client:settimeout(0.01)
      local _, err, sent = client:send(("x"):rep(30000000))
      assert.equal("timeout", err)
      client:close()
      assert.equal(sent, #stream:read "a")
    end)
  end)

  it("close ends calls that wait, with 'closed'", function()
    within(function(client)
      local reader = weir.spawn(function() return table.pack(client:receive("*l", "pre")) end)
      local sender = weir.spawn(function() return table.pack(client:send(("x"):rep(30000000))) end)
      settle_down()
      client:close()
      assert.same({ n = 3, nil, "closed", "pre" }, weir.await(reader))
      local results = weir.await(sender)
      assert.equal("closed", results[2])
      local server = assert(socket.bind("127.0.0.1", 0))
      local acceptor = weir.spawn(function() return table.pack(server:accept()) end)
      server:close()
      assert.same({ n = 2, nil, "closed" }, weir.await(acceptor))
    end)
  end)

  it("5.2 a cancel of one who receives or sends closes the socket, since what comes is nobody's", function()
    for _, f in ipairs {
      function(client) client:receive() end,
      function(client) client:receive(10) end,
      function(client) client:send(("x"):rep(30000000)) end,
      function(client) client:settimeout(60); client:receive() end,
      function(client) client:settimeout(60); client:send(("x"):rep(30000000)) end,
    } do
      within(function(client, stream)
        local co = weir.spawn(f, client)
        settle_down()
        assert.is_true(co:cancel())
        assert.is_true(weir.is_cancelled(h.raised(weir.await, co)))
        assert.same({ nil, "closed", "" }, { client:receive() })
        assert.equal("closed", select(2, client:send "x"))
        local _ = stream:read "a"
      end)
    end
  end)

  it("5.7 so does close by force", function()
    for _, f in ipairs {
      function(client) client:receive() end,
      function(client) client:send(("x"):rep(30000000)) end,
    } do
      within(function(client)
        local co = weir.spawn(f, client)
        settle_down()
        assert.is_true(co:close())
        assert.equal("closed", select(2, client:receive()))
      end)
    end
  end)

  it("5.2 a cancel between two calls, and one of an accept, close nothing", function()
    within(function(client, stream)
      local co = weir.spawn(function()
        client:send "x"
        weir.sleep(60)
      end)
      co:cancel()
      stream:write "line\n"
      assert.equal("line", client:receive())
      local server = assert(socket.bind("127.0.0.1", 0))
      weir.spawn(server.accept, server):cancel()
      local acceptor = weir.spawn(server.accept, server)
      socket.connect("127.0.0.1", (select(2, server:getsockname()))):close()
      weir.await(acceptor):close()
      server:close()
    end)
  end)

  it("5.2 a cancel of a connect leaves nothing open", function()
    x.run(function()
      local server = assert(socket.bind("127.0.0.1", 0, 1))
      local host, port = server:getsockname()
      local list = {}
      for i = 1, 10 do
        local client = socket.tcp()
        if i % 2 == 0 then client:settimeout(60) end
        list[i] = weir.spawn(client.connect, client, host, port)
      end
      for _, co in ipairs(list) do co:cancel() end
      weir.await(weir.settle(list))
      server:close()
    end)
  end)

  it("a connect that takes too long returns 'timeout', and can be tried again", function()
    local clock = h.manual()
    x.run(function()
      local server = assert(socket.bind("127.0.0.1", 0))
      local client = socket.tcp()
      client:settimeout(1)
      local connecting = weir.spawn(function()
        return table.pack(client:connect("127.0.0.1", (select(2, server:getsockname()))))
      end)
      clock:advance(1)
      assert.same({ n = 2, nil, "timeout" }, weir.await(connecting))
      assert.equal(1, client:connect("127.0.0.1", (select(2, server:getsockname()))))
      client:close()
      server:close()
    end)
  end)

  it("7.2 limits go by the loop's clock, and 6.2 stand still while they are held", function()
    local clock = h.manual()
    within(function(client, stream)
      for _, mode in ipairs { "b", "t" } do
        client:settimeout(-1, "b")
        client:settimeout(10, mode)
        local reader = weir.spawn(function() return table.pack(client:receive()) end)
        clock:advance(6)
        reader:pause()
        clock:advance(60)
        reader:unpause()
        stream:write "part"
        settle_down_on(client)
        clock:advance(3.9)
        assert.equal("waiting", reader:status())
        clock:advance(0.2)
        assert.same({ n = 3, nil, "timeout", "part" }, weir.await(reader))
        client:settimeout(-1, "t")
      end
    end)
  end)

  it("6.2 a pause stops the receiving, and unpause goes on with it", function()
    within(function(client, stream)
      local reader = weir.spawn(client.receive, client)
      reader:pause()
      stream:write "line\n"
      settle_down()
      assert.is_false(client:dirty())
      assert.equal("paused", reader:status())
      reader:unpause()
      assert.equal("line", weir.await(reader))
    end)
  end)

  it("3.8 a socket that nobody can reach is closed by the collector, one that is waited at is not", function()
    local t = h.trace()
    local ours
    x.run(function()
      local function start()
        local client, stream = same.pair()
        ours = stream
        weir.spawn(function() t(client:receive()) end)
      end
      start()
      h.collect()
      ours:write "line\n"
      repeat settle_down() until t:list()[1]
      h.collect()
      assert.is_nil(ours:read())
      ours:close()
    end)
    assert.same({ "line" }, t:list())
  end)

  it("a peer that sends a line without end costs time that grows with its length only", function()
    within(function(client, stream)
      local size = h.scale(2e7)
      local reader = weir.spawn(client.receive, client)
      for _ = 1, 20 do stream:write(("x"):rep(size // 20)) end
      stream:write "\n"
      assert.equal(size // 20 * 20, #weir.await(reader))
    end)
  end)

  it("options that libuv has not fail, but are no mistakes; others reach the socket that is made later", function()
    within(function(client)
      assert.same({ nil, "setsockopt failed" }, { client:setoption("linger", { on = true, timeout = 1 }) })
      assert.same({ nil, "getsockopt failed" }, { client:getoption "linger" })
      local usual = client.handle:recv_buffer_size()
      local other = socket.tcp()
      assert.equal(1, other:setoption("recv-buffer-size", 4096))
      assert.equal(1, other:bind("127.0.0.1", 0))
      assert.is_true(other.handle:recv_buffer_size() < usual)
      assert.equal(other.handle:recv_buffer_size(), other:getoption "recv-buffer-size")
      assert.equal(1, client:setoption("send-buffer-size", 4096))
      assert.equal(other.handle:recv_buffer_size(), client.handle:send_buffer_size())
      other:close()
    end)
  end)

  it("a client connects once, and to addresses of its own family", function()
    within(function(client)
      local host, port = client:getpeername()
      assert.same({ nil, "already connected" }, { client:connect(host, port) })
      assert.equal("127.0.0.1", (client:getpeername()))
      assert.same({ nil, "Address family for hostname not supported" }, { socket.connect4("::1", port) })
    end)
  end)

  it("8.4 wrong arguments are told by name", function()
    within(function(client)
      assert.matches("bad argument #1 to 'connect' %(string expected", h.raised(client.connect, socket.tcp(), {}, 1))
      assert.matches("bad argument #2 to 'connect' %(string expected", h.raised(client.connect, socket.tcp(), "x", {}))
      assert.matches("bad argument #1 to 'send' %(string expected", h.raised(client.send, client, {}))
      assert.matches("bad argument #1 to 'sleep' %(number expected", h.raised(socket.sleep, "soon"))
      assert.matches("calling 'send' on bad self", h.raised(client.send, socket.tcp(), "x"))
    end)
  end)

  it("has no select", function()
    assert.matches("has no 'select'", h.raised(socket.select, {}, {}))
  end)
end)

describe("clients written for LuaSocket, unmodified: socket.http", function()
  local http, ltn12

  setup(function()
    local ok
    ok, http = pcall(require, "socket.http")
    if not ok then http = nil end
    ltn12 = http and require "ltn12"
  end)
  after_each(tidy)

  -- Answers n requests when all of them have come.
  local function answer_all_at_once(n)
    local server, come = luv.listen("127.0.0.1", 0), weir.Barrier(n)
    local serving = weir.spawn(server.serve, server, function(stream)
      local head = stream:read_until "\r\n\r\n"
      weir.await(come:wait())
      local body = "you asked for " .. head:match "^GET (%S+)"
      stream:write { "HTTP/1.1 200 OK\r\nContent-Length: ", #body, "\r\nConnection: close\r\n\r\n", body }
    end)
    return select(2, server:getsockname()), function()
      serving:cancel()
      server:close()
    end
  end

  it("with create, many requests at the same time", function()
    if not http then pending "LuaSocket is not installed" end
    x.run(function()
      local n = 10
      local port, stop = answer_all_at_once(n)
      local paths = {}
      for i = 1, n do paths[i] = "/" .. i end
      local bodies = weir.await(weir.map(paths, function(path)
        local parts = {}
        local ok, status = http.request {
          url = ("http://127.0.0.1:%d%s"):format(port, path),
          sink = ltn12.sink.table(parts),
          create = socket.tcp,
        }
        assert.same({ 1, 200 }, { ok, status })
        return table.concat(parts)
      end))
      for i = 1, n do assert.equal("you asked for /" .. i, bodies[i]) end
      stop()
    end)
  end)

  it("5.2 a cancel ends a request, and its connection", function()
    if not http then pending "LuaSocket is not installed" end
    x.run(function()
      local server = luv.listen("127.0.0.1", 0)
      local request = weir.spawn(http.request, {
        url = "http://127.0.0.1:" .. select(2, server:getsockname()), create = socket.tcp,
      })
      local stream <close> = server:accept()
      stream:read_until "\r\n\r\n"
      request:cancel()
      assert.is_nil(stream:read())
      assert.is_true(weir.is_cancelled(h.raised(weir.await, request)))
      server:close()
    end)
  end)

  it("with package.loaded primed, as it is", function()
    if not http then pending "LuaSocket is not installed" end
    local output = x.program [[
      local weir = require "weir"
      local luv = require "weir.luv"
      package.loaded.socket = require "weir.socket"
      local http = require "socket.http"
      luv.run(function()
        local server = luv.listen("127.0.0.1", 0)
        local serving = weir.spawn(server.serve, server, function(stream)
          stream:read_until "\r\n\r\n"
          stream:write "HTTP/1.0 200 OK\r\n\r\nhello"
        end)
        print(http.request("http://127.0.0.1:" .. select(2, server:getsockname())))
        serving:cancel()
        server:close()
      end)
    ]]
    assert.matches("^hello\t200\t", output)
  end)
end)
