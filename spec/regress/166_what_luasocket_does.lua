-- weir.socket differed from LuaSocket where a peer resets, in the families of addresses, where one coroutine sends and
-- another receives with a limit, without descriptors, in ports and in arguments.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local same = require "spec.same"
local weir = require "weir"
local socket = require "weir.socket"
local h = require "spec.helper"
local x = require "spec.uv"

local PROGRAMS = {
  ["all of what a reset has cut off is no success"] = [[
    local c = connect()
    c:send "send half of the ans\nwait 0.1\nreset\n"
    show(c:receive "*a")
  ]],
  ["an address of IPv6 is one of IPv6 alone"] = [[
    local a = assert(socket.bind("0.0.0.0", 0))
    local _, number = a:getsockname()
    show(socket.bind("::", number) ~= nil)
    local b = assert(socket.bind("::", 0))
    show(socket.connect("127.0.0.1", (select(2, b:getsockname()))))
    local c = socket.tcp6()
    show(c:bind("::", number) == 1)
    local d = socket.tcp6()
    show(d:setoption("ipv6-v6only", false), d:bind("::", 0), d:listen())
    show(socket.connect("127.0.0.1", (select(2, d:getsockname()))) ~= nil)
  ]],
  ["ports that nobody has"] = [[
    show(socket.connect("127.0.0.1", 0))
    show(socket.connect("127.0.0.1", ""))
    show(socket.tcp():connect("127.0.0.1", "0"))
  ]],
  ["names that are none"] = [[
    show(socket.connect("", 80))
    show(socket.connect(("x"):rep(300), 80))
    show(socket.bind(("x"):rep(300), 80))
    show(socket.dns.getaddrinfo(("x"):rep(300)))
  ]],
  ["options of the system"] = [[
    local c, s = connect(), socket.bind("127.0.0.1", 0)
    show(math.type(c:getoption "recv-buffer-size" + 0) ~= nil, c:getoption "send-buffer-size" > 1000)
    show(s:getoption "reuseaddr")
    c:setoption("recv-buffer-size", 20000)
    show(c:getoption "recv-buffer-size")
  ]],
  ["arguments"] = [[
    local c, t = connect(), socket.tcp4()
    show(message(c.setstats, c, true))
    show(message(c.setstats, c, 1, {}))
    show(c:setstats("5", 6, "x"), c:getstats() == 5)
    show(message(c.receive, c, 3, {}))
    show(message(c.receive, c, {}))
    show(message(c.receive, c, "l"))
    show(message(c.receive, c, "a"))
    show(message(c.settimeout, c, 1, {}))
    show(message(c.settimeout, c, 1, true))
    show(message(c.settimeout, c, {}))
    show(message(c.send, c, {}))
    show(message(c.send, c, "x", "y"))
    show(message(t.listen, t, "x"))
    show(message(t.connect, t, true, 1))
    show(message(t.connect, t, "127.0.0.1", {}))
    show(message(t.bind, t, {}, 1))
    show(message(socket.dns.toip, true))
  ]],
  ["the size of a block can be set"] = [[
    socket.BLOCKSIZE = 5
    local c = connect()
    c:send "send twelve bytes\nclose\n"
    local source = socket.source("until-closed", c)
    show(source(), source(), source())
  ]],
}

describe("regress 166", function()
  after_each(x.assert_nothing_left)

  same.compare(PROGRAMS)

  for _, mode in ipairs { "t", "b" } do
    it("one who sends does not move the limit of one who receives: mode " .. mode, function()
      local clock, outer = weir.Clock(), weir.clock()
      x.run(function()
        local client, stream = same.pair()
        local _ <close> = client
        local _ <close> = stream
        weir.clock(clock)
        client:settimeout(10, mode)
        local receiving = weir.spawn(function() return client:receive "*l" end)
        for _ = 1, 9 do
          clock:advance(1)
          assert.equal(1, client:send "y")
        end
        assert.equal("waiting", receiving:status())
        clock:advance(1)
        local _, err = weir.await(receiving)
        weir.clock(outer)
        assert.equal("timeout", err)
      end)
    end)
  end

  it("numbers beyond all integers are as far as these go", function()
    x.run(function()
      local client, stream = same.pair()
      local _ <close> = client
      local _ <close> = stream
      assert.equal(5, client:send("hello", -math.huge, math.huge))
      assert.equal(math.maxinteger - 1, client:send("hello", math.huge))
      assert.equal(5, client:send("hello", 0 / 0))
      assert.equal("hellohello", stream:read(10))
      local server <close> = socket.tcp4()
      assert.equal(1, server:bind("127.0.0.1", 0))
      assert.equal(1, server:listen(math.huge))
    end)
  end)

  it("without descriptors it says so", function()
    local output = x.program [[
      local luv, socket = require "weir.luv", require "weir.socket"
      local files = {}
      luv.run(function()
        local server = assert(socket.bind("127.0.0.1", 0))
        local host, port = server:getsockname()
        require "weir".await(luv.getaddrinfo(host)) -- its thread has its files
        repeat
          local file = io.open "/dev/null"
          files[#files + 1] = file
        until not file
        print(socket.connect(host, port))
        print(socket.bind(host, 0))
        print(socket.tcp4())
        print(socket.tcp():bind(host, 0))
        for _, file in ipairs(files) do file:close() end -- somebody may want one at the end
        os.exit(0)
      end)
    ]]
    assert.equal(("nil\tToo many open files\n"):rep(4), output)
  end)

  it("8.4 errors of arguments are those of the caller", function()
    x.run(function()
      for _, f in ipairs {
        function() socket.connect(nil, 1) end,
        function() socket.connect4("127.0.0.1", {}) end,
        function() socket.bind("*") end,
        function() socket.tcp():connect {} end,
        function() socket.tcp():bind("*", print) end,
        function() socket.dns.toip() end,
      } do
        assert.matches("^spec/regress/166%S+: bad argument #%d to '%a+' %(string expected, got ", h.raised(f))
      end
    end)
  end)
end)
