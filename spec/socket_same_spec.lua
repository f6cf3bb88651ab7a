-- weir.socket does what LuaSocket does: the same programs run on both, and what they print is compared.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local same = require "spec.same"

local PROGRAMS = {
  ["lines"] = [[
    local c = connect()
    c:send "send one\\ntwo\\r\\nth\\rree\\r\\n\\nlast\nclose\n"
    for _ = 1, 7 do show(c:receive()) end
    show(c:receive "*l")
  ]],
  ["lines in pieces"] = [[
    local c = connect()
    c:send "send one\nwait 0.02\nsend  more\\r\nwait 0.02\nsend \\ntwo\\n\nclose\n"
    for _ = 1, 3 do show(c:receive "*l") end
  ]],
  ["counts"] = [[
    local c = connect()
    c:send "send abcdefghij\nwait 0.02\nsend klm\nclose\n"
    show(c:receive(3))
    show(c:receive(0))
    show(c:receive "4")
    show(c:receive(4.9))
    show(c:receive(10))
    show(c:receive(10))
    show(c:receive(0))
  ]],
  ["all"] = [[
    local c = connect()
    c:send "send one\\n\nwait 0.02\nsend two\\r\\n\nclose\n"
    show(c:receive "*a")
    show(c:receive "*a")
    show(c:receive "*a")
  ]],
  ["prefixes"] = [[
    local c = connect()
    c:send "send one\\ntwothree\nclose\n"
    show(c:receive("*l", "pre:"))
    show(c:receive(5, "pre"))
    show(c:receive(3, "pre"))
    show(c:receive(2, "pre"))
    show(c:receive(0, "pre"))
    show(c:receive(100, 12))
    show(c:receive("*l", "pre"))
    show(c:receive("*a", "pre"))
  ]],
  ["limits of a wait"] = [[
    local c = connect()
    c:send "send xone\n"
    show(c:receive(1))
    c:settimeout(0.02)
    show(c:receive())
    show(c:receive(3))
    show(c:receive "*a")
    c:settimeout(nil)
    c:send "send  two\\nthree\n"
    show(c:receive(), c:receive(5))
    c:settimeout(0.02)
    show(c:receive "*a")
    show(c:receive(3, "pre"))
    show(c:gettimeout())
  ]],
  ["limits of a wait do not begin anew with each piece"] = [[
    local c = connect()
    c:settimeout(0.3)
    c:send(("send x\nwait 0.01\n"):rep(1000))
    local _, err, part = c:receive()
    show(err, #part < 1000)
  ]],
  ["limits of the whole do not"] = [[
    local c = connect()
    c:settimeout(0.3, "t")
    c:send(("send x\nwait 0.01\n"):rep(1000))
    local _, err, part = c:receive()
    show(err, #part < 1000)
    show(c:gettimeout())
    c:settimeout(-1, "t")
    show(c:receive(1))
  ]],
  ["no time at all"] = [[
    local c = connect()
    c:settimeout(0)
    show(c:receive())
    c:send "send one\\ntwo\n"
    local text, err, part, line = "", nil, nil, nil
    repeat
      line, err, part = c:receive("*l", text)
      text = line or part
    until line
    show(line, err)
    repeat
      line, err, part = c:receive(3, part)
    until line
    show(line, err)
    show(c:receive())
    show(c:receive "*a")
  ]],
  ["sends"] = [[
    local c = connect()
    c:send "echo 20\n"
    show(c:send "hello")
    show(c:send("hello", 2))
    show(c:send("hello", 2, 3))
    show(c:send("hello", -3))
    show(c:send("hello", -3, -2))
    show(c:send("hello", 4, 100))
    show(c:send("hello", 4, 2))
    show(c:send("hello", 10))
    show(c:send "")
    show(c:send(12))
    show(c:send(1.5))
    show(c:receive(20))
    show(select(2, c:getstats()) == 8 + 20)
  ]],
  ["sends much"] = [[
    local c = connect()
    local size = 5000000
    c:send("count " .. size .. "\n")
    show(c:send(("x"):rep(size)))
    show(c:receive())
    c:send("stall 0.1\ncount " .. size .. "\n")
    show(c:send(("x"):rep(size + 1), 2))
    show(c:receive())
  ]],
  ["sends with a limit, and goes on where it stopped"] = [[
    local c = connect()
    local size = 20000000
    local text, sent = ("x"):rep(size), 0
    c:settimeout(0.05)
    c:send("stall 0.3\ncount " .. size .. "\n")
    repeat
      local last, err, partial = c:send(text, sent + 1)
      if err and err ~= "timeout" then show(err) end
      sent = last or partial
    until sent == size
    c:settimeout(nil)
    show(c:receive())
  ]],
  ["the other side goes"] = [[
    local c = connect()
    c:send "close\n"
    show(c:receive())
    socket.sleep(0.05)
    show(c:send "x")
    socket.sleep(0.05)
    show(c:send "x")
    show(c:receive())
    show((c:getpeername()))
    c:close()
    show(c:send "x")
    show(c:receive())
    show(c:getpeername())
    show(c:getsockname())
    show(c:close())
  ]],
  ["the other side goes at once"] = [[
    local c = connect()
    c:send "wait 0.05\nreset\n"
    show(c:receive())
    show(c:receive "*a")
    show(c:send "x")
  ]],
  ["closing with data left"] = [[
    local c = connect()
    c:send "send one\\ntwo\\n\n"
    show(c:receive())
    show(c:dirty())
    c:close()
    show(c:receive())
    show(c:receive())
    show(c:dirty())
  ]],
  ["shutdown"] = [[
    local c = connect()
    c:send "send bye\n"
    show(c:receive(3))
    show(c:shutdown "send")
    show(c:send "x")
    show(c:receive "*a")
    show(c:shutdown())
    local d = connect()
    show(d:shutdown "receive")
    show(d:receive())
    show(d:send "x")
    show(message(d.shutdown, d, "up"))
  ]],
  ["servers"] = [[
    local s = socket.bind("127.0.0.1", 0)
    local host, here = s:getsockname()
    show(host, select(3, s:getsockname()))
    s:settimeout(0.02)
    show(s:accept())
    s:settimeout(nil)
    local c = connect()
    for i = 1, 3 do
      c:send("connect " .. here .. " from " .. i .. "\\n\n")
      local d = s:accept()
      show(d:receive())
      show(d:receive())
      show((d:getpeername()), select(3, d:getpeername()))
      d:close()
    end
    show(s:getpeername())
    show(s:close())
    show(s:accept())
    show(s:getsockname())
  ]],
  ["no time at all for a server"] = [[
    local s = socket.bind("127.0.0.1", 0)
    s:settimeout(0)
    show(s:accept())
    local c = connect()
    c:send("connect " .. select(2, s:getsockname()) .. " hello\\n\n")
    local d
    repeat d = s:accept() until d
    show(d:receive())
    show(s:accept())
  ]],
  ["what masters can do"] = [[
    local t = socket.tcp()
    show((tostring(t):gsub("0x%x+", "ADDRESS")))
    show(t:getsockname())
    show(t:getpeername())
    show(t:listen())
    show(t:getfamily(), socket.tcp4():getfamily(), socket.tcp6():getfamily())
    show(t:bind("127.0.0.1", 0))
    show((t:getsockname()), select(3, t:getsockname()))
    show(t:listen(5))
    show((tostring(t):gsub("0x%x+", "ADDRESS")))
    show(t:close(), t:close())
    show(socket.tcp():connect("127.0.0.1", port))
    local four = socket.tcp4()
    show(four:connect("127.0.0.1", tostring(port)))
    show((tostring(four):gsub("0x%x+", "ADDRESS")))
  ]],
  ["bound before it connects"] = [[
    local t = socket.tcp()
    show(t:bind("127.0.0.1", 0))
    local _, here = t:getsockname()
    show(t:connect("127.0.0.1", port))
    show(select(2, t:getsockname()) == here)
    local c = socket.connect("127.0.0.1", port, "127.0.0.1", 0)
    show((c:getsockname()))
    show(c:send "send hello\\n\n", c:receive())
  ]],
  ["connections that fail"] = [[
    local free = socket.bind("127.0.0.1", 0)
    local _, nobody = free:getsockname()
    free:close()
    show(socket.connect("127.0.0.1", nobody))
    show(socket.connect("127.0.0.300", 1))
    show(socket.connect("no.such.host.invalid", 1))
    local t = socket.tcp()
    show(t:connect("127.0.0.1", nobody))
    show((tostring(t):gsub("0x%x+", "ADDRESS")))
    show(t:connect("127.0.0.1", port))
    show(t:send "send again\\n\n", t:receive())
    t:close()
    show(t:connect("127.0.0.1", port))
    show(t:send "send again\\n\n", t:receive())
  ]],
  ["addresses in use"] = [[
    local s = socket.bind("127.0.0.1", 0)
    local _, here = s:getsockname()
    show(socket.bind("127.0.0.1", here))
    show(socket.tcp():bind("127.0.0.1", here))
    show(socket.bind("127.0.0.300", 0))
    show(socket.bind("192.0.2.1", 0))
    show((socket.bind("*", 0):getsockname()))
  ]],
  ["either family"] = [[
    local c = socket.connect4("127.0.0.1", port)
    show(c:getfamily(), (c:getpeername()))
    show(socket.connect6("127.0.0.300", port))
    show(socket.connect("127.0.0.1", port, "192.0.2.1", 0))
    show(socket.connect("127.0.0.1", port, "127.0.0.300"))
    show(socket.connect("127.0.0.1", "no-such-service"))
    show(socket.bind("127.0.0.1", "no-such-service"))
  ]],
  ["what it counts"] = [[
    local c = connect()
    show(c:setstats(10, 20, 1000))
    show(c:send "send hello\\n\n", c:receive())
    local received, sent, age = c:getstats()
    show(received, sent, age >= 1000 and age < 1100)
    show(c:setstats())
    show(select("#", c:getstats()), (c:getstats()))
    show(message(c.setstats, socket.tcp(), 1, 2, 3))
  ]],
  ["options before there is a connection"] = [[
    local t = socket.tcp4()
    show(t:setoption("keepalive", true), t:setoption("tcp-nodelay", true), t:setoption("reuseaddr", true))
    show(t:connect("127.0.0.1", port))
    show(t:getoption "keepalive", t:getoption "tcp-nodelay", t:getoption "reuseaddr")
  ]],
  ["limits of all kinds"] = [[
    local c = connect()
    c:settimeout(10, "b")
    c:settimeout(0.02, "t")
    show(c:receive())
    c:settimeout(0.02, "b")
    c:settimeout(10, "r")
    show(c:receive())
    show(c:gettimeout())
    show(message(c.settimeout, c, 1, "up"))
  ]],
  ["after the end"] = [[
    local s, c, t = socket.bind("127.0.0.1", 0), connect(), socket.tcp()
    show(s:close(), c:close(), t:close())
    show(s:getfd(), c:getfd(), t:getfd())
    show(c:shutdown())
    show(c:close(), s:close())
    show(c:receive("*l", "pre"))
    show(c:send("hello", 3))
  ]],
  ["wrong calls"] = [[
    local c, s, t = connect(), socket.bind("127.0.0.1", 0), socket.tcp()
    for _, name in ipairs { "send", "receive", "shutdown", "getstats" } do
      show(message(s[name], s, "x"))
      show(message(t[name], t, "x"))
    end
    show(message(c.accept, c))
    show(message(c.listen, c))
    show(message(s.bind, s, "127.0.0.1", 0))
    show(message(c.close, {}))
    show(message(c.receive, c, "*x"))
    show(message(c.receive, c, -1))
    show(message(c.settimeout, c, 1, "x"))
    show(message(c.setoption, c, "no-such-option", true))
    show(message(c.getoption, c, "no-such-option"))
  ]],
  ["options"] = [[
    local c = connect()
    for _, name in ipairs { "tcp-nodelay", "keepalive" } do
      show(c:setoption(name, true))
      show(c:getoption(name))
      show(c:setoption(name, false))
      show(c:getoption(name))
    end
    show(c:setoption("reuseaddr", true))
    show(c:getoption "reuseaddr")
    show(c:getoption "error")
    show(c:getfd() > 2)
    show(socket.tcp():getfd())
  ]],
  ["names of hosts"] = [[
    show(socket.dns.toip "127.0.0.1" == "127.0.0.1")
    show((socket.dns.toip "localhost"))
    show(#select(2, socket.dns.toip "localhost").ip)
    show(socket.dns.toip "no.such.host.invalid")
    show(socket.dns.getaddrinfo("127.0.0.1")[1].family)
    show(socket.dns.getaddrinfo("127.0.0.1")[1].addr)
    show(socket.dns.getaddrinfo "no.such.host.invalid")
    show(type(socket.dns.tohostname "127.0.0.1"))
    show(#socket.dns.getnameinfo "127.0.0.1")
    show(socket.dns.tohostname "no.such.host.invalid")
    show(socket.dns.getnameinfo "no.such.host.invalid")
    show(type(socket.dns.getnameinfo(nil, "80")), select(2, socket.dns.getnameinfo("127.0.0.1", "80")))
    show(message(socket.dns.getnameinfo))
    show(socket.dns.gethostname())
  ]],
  ["exceptions, sources and sinks"] = [[
    local log = {}
    local try = socket.newtry(function() log[#log + 1] = "finalized" end)
    show(socket.protect(function(...) return try(...) end)(1, 2, nil))
    show(socket.protect(function() try(nil, "failed") end)())
    show(pcall(socket.protect(function() error("other", 0) end)))
    show(#log)
    show(socket.skip(2, 1, 2, 3, 4))
    local c = connect()
    c:send "send 1234567890\nclose\n"
    local source = socket.source("by-length", c, 4)
    show(source(), source())
    source = socket.source("until-closed", c)
    show(source(), source())
    c = connect()
    c:send "echo 5\n"
    local sink = socket.sink("keep-open", c)
    show(sink "12345")
    show(sink())
    show(c:receive(5))
    sink = socket.sink("close-when-done", c)
    show(sink())
    show(c:receive())
    show((select(2, pcall(socket.sink, "no-such-sink", c)):match "unknown.*"))
    c = connect()
    c:settimeout(0.02)
    source = socket.source("by-length", c, 4)
    show(source())
    show(socket.source("by-length", c, 0)())
    source = socket.source(c)
    show(source())
    c:send("send " .. ("x"):rep(2048 + 3) .. "\nclose\n")
    c:settimeout(nil)
    show(#source(), source(), source())
    sink = socket.sink(connect())
    show(sink "x", sink())
    sink = socket.sink("close-when-done", connect())
    show(sink "close", sink())
    show(type(socket.gettime()), socket.sleep(0), socket.sleep(-1), socket.BLOCKSIZE)
  ]],
}

describe("weir.socket and LuaSocket:", function() same.compare(PROGRAMS) end)
