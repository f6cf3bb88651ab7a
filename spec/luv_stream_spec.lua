-- weir.luv, streams: reading, writing, and what cancel and pause do to them.
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

-- What f(stream) gives when the other side has written the pieces, one a round, and gone.
local function reading(pieces, f, options)
  local stream, peer = x.stream(options)
  local co = weir.spawn(pcall, f, stream)
  for _, piece in ipairs(pieces) do
    assert(peer:try_write(piece))
    x.rounds(2)
  end
  peer:close()
  local results = table.pack(x.run(function() return co end))
  stream:close()
  if results[1] then return table.unpack(results, 2, results.n) end
  error(results[2], 0)
end

-- All that `read` gives, up to a nil.
local function all_of(read)
  return function(stream)
    local list = {}
    for part in read, stream do list[#list + 1] = part end
    return list
  end
end

local function read(...)
  local arguments = table.pack(...)
  return function(stream) return stream:read(table.unpack(arguments, 1, arguments.n)) end
end

describe("Stream:read", function()
  after_each(tidy)

  it("awaits some bytes, whatever comes, and nil at the end, again and again", function()
    local function body(stream)
      return { stream:read(), stream:read(), stream:read(), stream:read() }
    end
    assert.same({ "one", "two" }, reading({ "one", "two" }, body))
    assert.same({ n = 1 }, table.pack(reading({}, read())))
  end)

  it("takes together what came while nobody waited", function()
    assert.equal("onetwo", reading({ "zero", "one", "two" }, function(stream)
      stream:read()
      weir.sleep(0.01)
      return stream:read()
    end))
  end)

  it("awaits exactly n bytes", function()
    assert.same({ "abc", "defg", "", "hi" }, reading({ "ab", "cdefgh", "i" }, function(stream)
      return { stream:read(3), stream:read(4), stream:read(0), (stream:read(2)) }
    end))
  end)

  it("gives nil and what there is if fewer come", function()
    local function body(stream) return { stream:read(4) }, { stream:read(4) }, table.pack(stream:read(0)) end
    local first, second, none = reading({ "ab", "c" }, body)
    assert.same({ nil, "abc" }, first)
    assert.same({ nil, "" }, second)
    assert.same({ n = 1, "" }, none)
  end)

  it("awaits a line, without or with its end, as Lua's files do", function()
    local pieces = { "one\nt", "wo", "\n\n", "\r\nlast" }
    assert.same({ "one", "two", "", "\r", "last" }, reading(pieces, all_of(read "l")))
    assert.same({ "one\n", "two\n", "\n", "\r\n", "last" }, reading(pieces, all_of(read "L")))
    assert.same({}, reading({}, all_of(read "l")))
  end)

  it("awaits all there will be", function()
    assert.equal("one\ntwo", reading({ "one\n", "two" }, read "a"))
    assert.equal("", reading({}, read "a"))
  end)

  it("has loops for bytes and lines", function()
    local function lines(stream)
      local list = {}
      for line in stream:lines() do list[#list + 1] = line end
      return list
    end
    local function bytes(stream)
      local list = {}
      for piece in stream:iter() do list[#list + 1] = piece end
      return table.concat(list)
    end
    assert.same({ "one", "two", "three" }, reading({ "one\ntwo\n", "three" }, lines))
    assert.equal("one\ntwo\nthree", reading({ "one\ntwo\n", "three" }, bytes))
  end)

  it("read_until awaits a delimiter and drops it", function()
    local function head(stream) return stream:read_until "\r\n\r\n", stream:read "a" end
    assert.same({ "a: 1\r\nb: 2", "body" }, { reading({ "a: 1\r\nb: 2\r", "\n", "\r", "\nbody" }, head) })
    local function missing(stream) return { stream:read_until ";" }, { stream:read() } end
    assert.same({ { nil, "abc" }, {} }, { reading({ "ab", "c" }, missing) })
  end)

  it("3.3 does not switch for what is there", function()
    local t = h.trace()
    reading({ "abc" }, function(stream)
      t(stream:read(1))
      weir.spawn(weir.yield):add_callback(function() t "another" end)
      t(stream:read(1))
      t(stream:read(1))
    end)
    assert.same({ "a", "b", "c", "another" }, t:list())
  end)

  it("3.6 is refused where nothing can suspend, data or not", function()
    local stream, peer = x.stream()
    for _, f in ipairs { read(), read(0), function(s) s:write "x" end, function(s) s:shutdown() end } do
      assert.matches("attempt to await outside a coroutine", h.raised(f, stream))
    end
    assert.is_false(stream.inbox:is_awaited())
    stream:close()
    peer:close()
  end)

  it("one coroutine at a time may read", function()
    local a, b = x.pair()
    x.run(function()
      local reader = weir.spawn(read(), a)
      assert.matches("luv_stream_spec.*another coroutine reads from", h.raised(function() a:read(); a:read() end))
      b:write "x"
      assert.equal("x", weir.await(reader))
    end)
    a:close()
    b:close()
  end)

  it("8.4 checks its arguments", function()
    local a, b = x.pair()
    x.run(function()
      assert.matches("bad argument #1 to 'read' %(number has no integer", h.raised(read(1.5), a))
      assert.matches("bad argument #1 to 'read' %(must be at least 0", h.raised(read(-1), a))
      assert.matches("bad argument #1 to 'read' %(number, ", h.raised(read "x", a))
      assert.matches("calling 'read' on bad self %(Stream expected, got no value", h.raised(a.read))
      assert.matches("calling 'write' on bad self", h.raised(a.write, {}, "x"))
      assert.matches("bad argument #1 to 'write'", h.raised(a.write, a, 5))
      assert.matches("bad argument #1 to 'read_until'", h.raised(a.read_until, a, ""))
    end)
    assert.matches("bad argument #1 to 'stream'", h.raised(luv.stream, 1))
    local timer = uv.new_timer()
    assert.matches("bad argument #1 to 'stream'", h.raised(luv.stream, timer))
    timer:close()
    a:close()
    b:close()
  end)
end)

describe("Stream, limits:", function()
  after_each(tidy)

  it("reads ahead up to the limit, then the other side has to wait", function()
    local stream, peer = x.stream { limit = 10 }
    x.run(function()
      peer:try_write "first"
      assert.equal("first", stream:read())
    end)
    local size = 0
    for _ = 1, 100 do
      size = size + x.fill(peer)
      x.rounds(2)
    end
    assert.is_false(x.takes(peer))
    assert.is_true(stream.inbox.buffer.size < 200000)
    x.run(function()
      while size > 0 do size = size - #stream:read() end
    end)
    stream:close()
    peer:close()
  end)

  it("a line that is longer is an error, which nothing is lost by", function()
    local err = h.raised(reading, { ("x"):rep(20) }, read "l", { limit = 10 })
    assert.same({ "LuvError", "EMSGSIZE" }, { err.name, err.code })
    assert.equal(("x"):rep(20), reading({ ("x"):rep(20) }, function(stream)
      assert.is_false(pcall(stream.read, stream, "l"))
      return stream:read "a"
    end, { limit = 10 }))
    assert.equal("xxx", reading({ "xxx\n" .. ("y"):rep(20) }, read "l", { limit = 10 }))
  end)

  it("an exact count may be larger", function()
    assert.equal(1000, #reading({ ("x"):rep(600), ("x"):rep(600) }, read(1000), { limit = 10 }))
  end)

  it("8.4 wants a number of bytes", function()
    local handle, peer = x.handles()
    assert.matches("bad argument #2 to 'stream'", h.raised(luv.stream, handle, { limit = 0 }))
    handle:close()
    peer:close()
  end)
end)

describe("Stream:write", function()
  after_each(tidy)

  it("writes strings, lists, and nothing", function()
    local a, b = x.pair()
    assert.equal("onetwo3", x.run(function()
      a:write "one"
      a:write { "two", 3 }
      a:write ""
      a:shutdown()
      return b:read "a"
    end))
    a:close()
    b:close()
  end)

  it("awaits that the system takes it: no more than that is kept", function()
    local stream, peer = x.stream()
    local t, total = h.trace(), 4000000
    local writer = weir.spawn(function()
      stream:write(("x"):rep(total))
      t "written"
    end)
    x.rounds(10)
    assert.same({}, t:list())
    local other, got = luv.stream(peer), 0
    x.run(function()
      repeat got = got + #other:read() until got == total
      weir.await(writer)
    end)
    assert.same({ "written" }, t:list())
    stream:close()
    other:close()
  end)

  it("what several write stays whole, and in order", function()
    local a, b = x.pair()
    local big = 300000
    local text = x.run(function()
      local writers = {}
      for i = 1, 5 do
        writers[i] = weir.spawn(function() a:write(tostring(i):rep(big)) end)
      end
      local all = weir.all(writers):add_callback(function() return weir.spawn(a.shutdown, a) end)
      local result = b:read "a"
      weir.await(all)
      return result
    end)
    assert.equal(5 * big, #text)
    for i = 1, 5 do assert.equal(tostring(i):rep(big), text:sub((i - 1) * big + 1, i * big)) end
    a:close()
    b:close()
  end)

  it("raises when the other side is gone, and the process lives", function()
    local stream, peer = x.stream()
    peer:close()
    x.rounds(1)
    local err = h.raised(x.run, function() stream:write "x" end)
    assert.equal("EPIPE", err.code)
    err = h.raised(x.run, function() stream:write(("x"):rep(1000000)) end)
    assert.equal("EPIPE", err.code)
    stream:close()
  end)

  it("shutdown awaits what is still to be written", function()
    local a, b = x.pair()
    local size = 1000000
    assert.equal(size, x.run(function()
      weir.spawn(function() a:write(("x"):rep(size)) end)
      weir.spawn(a.shutdown, a)
      return #b:read "a"
    end))
    a:close()
    b:close()
  end)
end)

describe("Stream, time limits:", function()
  after_each(tidy)

  it("3.3 a read that takes longer raises a TimeoutError; what came stays", function()
    local a, b = x.pair()
    x.run(function()
      b:write "ab"
      for _, what in ipairs { 3, "l", "a" } do
        assert.equal("TimeoutError", h.raised(a.read, a, what, 0.005).name)
      end
      assert.equal("TimeoutError", h.raised(a.read_until, a, ";", 0.005).name)
      assert.equal("ab", a:read(nil, 0.005))
      assert.equal("TimeoutError", h.raised(a.read, a, nil, 0.005).name)
      b:write "c"
      assert.equal("c", a:read())
    end)
    a:close()
    b:close()
  end)

  it("3.3 a write that takes longer raises; libuv writes on", function()
    local stream, peer = x.stream()
    local size = 1000000
    assert.equal("TimeoutError", h.raised(x.run, function() stream:write(("x"):rep(size), 0.005) end).name)
    local other = luv.stream(peer)
    x.run(function() assert.equal(size, #other:read(size)) end)
    stream:close()
    other:close()
  end)
end)

describe("Stream, cancel:", function()
  after_each(tidy)

  it("5.1 of a read leaves the stream as it was, for the next one", function()
    local a, b = x.pair()
    x.run(function()
      b:write "ab"
      for _, what in ipairs { 5, "l", "a" } do
        local reader = weir.spawn(read(what), a)
        weir.sleep(0.002)
        assert.is_true(reader:cancel())
        assert.is_true(weir.is_cancelled(h.raised(weir.await, reader)))
      end
      b:write "c\n"
      assert.equal("abc", a:read "l")
    end)
    a:close()
    b:close()
  end)

  it("5.8 a cancel that strikes where a read is about to wait leaves nobody in its place", function()
    local a, b = x.pair()
    x.run(function()
      local co = weir.spawn(function()
        weir.current():cancel()
        return a:read()
      end)
      assert.is_true(weir.is_cancelled(h.raised(weir.await, co)))
      b:write "x"
      assert.equal("x", a:read())
    end)
    a:close()
    b:close()
  end)

  it("5.7 close by force lets the next one read", function()
    local a, b = x.pair()
    x.run(function()
      weir.spawn(read(), a):close()
      b:write "x"
      assert.equal("x", a:read())
    end)
    a:close()
    b:close()
  end)

  it("5.1 of a write: what libuv has is written, whole", function()
    local a, b = x.pair()
    local size = 2000000
    x.run(function()
      local writer = weir.spawn(function() a:write(("x"):rep(size)) end)
      assert.is_true(writer:cancel())
      weir.spawn(function() a:write "end" end)
      assert.equal(("x"):rep(size) .. "end", b:read(size + 3))
    end)
    a:close()
    b:close()
  end)
end)

describe("Stream, pause:", function()
  after_each(tidy)

  it("6.2 of a coroutine that reads stops the reading, and unpause goes on with it", function()
    local stream, peer = x.stream()
    local got = {}
    local reader = weir.spawn(function()
      for piece in stream:iter() do got[#got + 1] = piece end
    end)
    peer:try_write "one"
    x.rounds(2)
    reader:pause()
    local size = 3
    for _ = 1, 50 do
      size = size + x.fill(peer)
      x.rounds(2)
    end
    assert.is_false(x.takes(peer)) -- all there is room for is full
    assert.same({ "one" }, got)
    assert.equal(0, stream.inbox.buffer.size)
    reader:unpause()
    peer:shutdown()
    x.run(function() return reader end)
    assert.equal(size, #table.concat(got))
    stream:close()
    peer:close()
  end)

  it("6.2 the reading stops also where the pause comes from far above", function()
    local a, b = x.pair()
    local co = weir.spawn(function()
      return weir.await(weir.all { weir.spawn(read "l", a), weir.spawn(read "l", b) })
    end)
    co:pause()
    assert.is_false(a.handle:is_active())
    assert.is_false(b.handle:is_active())
    co:unpause()
    assert.is_true(a.handle:is_active())
    co:cancel()
    a:close()
    b:close()
  end)

  it("6.1 one who pauses itself is held at the read", function()
    local a, b = x.pair()
    local co = weir.spawn(function()
      weir.current():pause()
      return a:read()
    end)
    assert.is_false(a.handle:is_active())
    x.run(function() b:write "x"; weir.sleep(0.005) end)
    assert.equal("paused", co:status())
    co:unpause()
    assert.equal("x", x.run(function() return co end))
    a:close()
    b:close()
  end)

  it("6.1 of a coroutine that writes holds the news; libuv writes on", function()
    local a, b = x.pair()
    local size, t = 2000000, h.trace()
    local writer = weir.spawn(function() a:write(("x"):rep(size)); t "written" end)
    writer:pause()
    x.run(function() assert.equal(size, #b:read(size)); weir.sleep(0.005) end)
    assert.same({}, t:list())
    writer:unpause()
    assert.same({ "written" }, t:list())
    a:close()
    b:close()
  end)
end)

describe("Stream:close", function()
  after_each(tidy)

  it("ends a read that waits, and every call behind it, with a ClosedError", function()
    local a, b = x.pair()
    x.run(function()
      local reader = weir.spawn(read(), a)
      a:close()
      assert.equal("ClosedError: the stream is closed", tostring(h.raised(weir.await, reader)))
      for _, f in ipairs { read(), read "a", function(s) s:write "x" end, a.shutdown, a.getpeername } do
        assert.equal("ClosedError", h.raised(f, a).name)
      end
      a:close()
      assert.is_nil(b:read())
    end)
    b:close()
  end)

  it("loses what has not been written: that write fails", function()
    local a, b = x.pair()
    local err = h.raised(x.run, function()
      local writer = weir.spawn(function() a:write(("x"):rep(2000000)) end)
      weir.sleep(0.002)
      a:close()
      return writer
    end)
    assert.same({ "ClosedError", "the stream is closed" }, { err.name, err.message })
    b:close()
  end)

  it("so does a shutdown that waits for that", function()
    local a, b = x.pair()
    x.run(function()
      local writer = weir.spawn(function() a:write(("x"):rep(2000000)) end)
      local ending = weir.spawn(a.shutdown, a)
      weir.sleep(0.002)
      a:close()
      assert.equal("ClosedError", h.raised(weir.await, writer).name)
      assert.equal("ClosedError", h.raised(weir.await, ending).name)
    end)
    b:close()
  end)

  it("5.5 comes with the end of a block", function()
    local a, b = x.pair()
    local co = weir.spawn(function()
      local stream <close> = a
      stream:read()
    end)
    co:cancel()
    assert.is_nil(x.run(function() return b:read() end))
    assert.matches("^Stream: 0x%x+ %(closed%)$", tostring(a))
    assert.matches("^Stream: 0x%x+ %(uv_pipe_t: ", tostring(b))
    b:close()
  end)

  it("8.1 an error of the connection is raised behind what came before it", function()
    local server, accepted = luv.listen("127.0.0.1", 0), nil
    local host, port = server:getsockname()
    x.run(function()
      local stream <close> = luv.connect(host, port)
      accepted = server:accept()
      accepted:write "first words"
      assert.equal("first words", stream:read())
      accepted:write "last words"
      weir.sleep(0.005)
      accepted.handle:close_reset() -- libuv takes it for an end if it comes along with data
      weir.sleep(0.005)
      assert.equal("last words", stream:read())
      assert.equal("ECONNRESET", h.raised(stream.read, stream).code)
      assert.equal("ECONNRESET", h.raised(stream.read, stream, "a").code)
      accepted:close()
    end)
    server:close()
  end)

  it("3.8 a stream that nobody can reach is closed by the collector, one that is being read is not", function()
    local a, b = x.pair()
    local t = h.trace()
    weir.spawn(function() t(b:read()) end)
    weir.spawn(function() t(b.handle:is_active()) end)
    x.rounds(1)
    b = nil -- luacheck: ignore
    h.collect()
    x.rounds(2)
    x.run(function() a:write "x"; weir.sleep(0.005) end)
    assert.same({ true, "x" }, t:list())
    h.collect()
    assert.is_nil(x.run(function() return a:read() end))
    a:close()
  end)

  it("3.7 a stream that nobody reads keeps no loop alive", function()
    local a, b = x.pair()
    x.run(function() b:write "x"; assert.equal("x", a:read()) end)
    luv.run()
    a:close()
    b:close()
  end)
end)

describe("luv.stdio:", function()
  it("standard input and output of a program, and the end of input", function()
    local output = x.program [[
      local weir = require "weir"
      local luv = require "weir.luv"
      if arg[1] then
        luv.run(function()
          local input, output = luv.stdio(0), luv.stdio(1)
          for line in input:lines() do output:write("<" .. line .. ">\n") end
          output:shutdown()
        end)
      else
        luv.run(function()
          local child = luv.spawn(arg[-1], { args = { arg[0], "child" }, stdio = { "pipe", "pipe", "inherit" } })
          child.stdin:write "one\ntwo\n"
          child.stdin:close()
          print(child.stdout:read "a")
          print(weir.await(child.exited))
        end)
      end
    ]]
    assert.equal("<one>\n<two>\n\n0\t0\n", output)
  end)

  it("8.4 refuses what is no stream", function()
    assert.matches("bad argument #1 to 'stdio'", h.raised(luv.stdio, "x"))
    local file = assert(io.open("/dev/null"))
    file:close()
    local fd = assert(uv.fs_open(os.tmpname(), "r", 0))
    assert.matches("not a stream but a file", h.raised(luv.stdio, fd))
    uv.fs_close(fd)
  end)
end)
