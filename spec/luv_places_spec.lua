-- An argument error names the function that was called, and the place of the call.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.uv"

-- What a program of one line raises that has these.
local function raised(code, ...)
  return h.raised(assert(load("local luv, stream, process, server, timer = ...\n" .. code, "=chunk")), luv, ...)
end

local function check(cases, ...)
  for _, case in ipairs(cases) do assert.equal("chunk:2: bad argument " .. case[2], raised(case[1], ...)) end
end

describe("8.4 luv, a wrong argument of", function()
  after_each(x.assert_nothing_left)

  it("a function of luv's with a callback", function()
    check {
      { "local d = luv.fs.open('/x')", "#2 to 'open' (Expected string or integer for file open mode)" },
      { "local d = luv.fs.stat()", "#1 to 'stat' (string expected, got function)" },
      { "local d = luv.fs.read('x')", "#1 to 'read' (number expected, got string)" },
      { "local d = luv.fs.read(1)", "#2 to 'read' (number expected, got function)" },
      { "local d = luv.fs.read(1.5, 1)", "#1 to 'read' (number has no integer representation)" },
      { "local d = luv.fs.close('x')", "#1 to 'close' (number expected, got string)" },
      { "local d = luv.getaddrinfo({})", "#1 to 'getaddrinfo' (string expected, got table)" },
      { "local d = luv.getnameinfo(1)", "#1 to 'getnameinfo' (table expected, got number)" },
      { "local random = luv.promisify(luv.uv.random); local d = random('x')",
        "#1 to 'random' (number expected, got string)" },
    }
  end)

  it("a promisified function of Lua, which raises as it does", function()
    assert.equal("chunk:2: oops", raised "local d = luv.promisify(function() error 'oops' end)()")
    local err = {}
    assert.equal(err, h.raised(luv.promisify(function() error(err) end)))
  end)

  it("what makes Streams and Servers", function()
    x.run(function()
      local a, b = x.pair()
      check({
        { "local s = luv.listen()", "#1 to 'listen' (string expected)" },
        { "local s = luv.listen('127.0.0.1', 65536)", "#2 to 'listen' (port expected)" },
        { "local s = luv.listen('127.0.0.1', -1)", "#2 to 'listen' (port expected)" },
        { "local s = luv.listen('127.0.0.1', '65536')", "#2 to 'listen' (port expected)" },
        { "local s = luv.listen('127.0.0.1', 0, { backlog = 'x' })",
          "#3 to 'listen' (option 'backlog' is not an integer of at least 1)" },
        { "local s = luv.listen('127.0.0.1', 0, { limit = '64k' })",
          "#3 to 'listen' (option 'limit' is not an integer of at least 1)" },
        { "local s = luv.listen('/tmp', { bcklog = 1 })", "#2 to 'listen' (unknown option 'bcklog')" },
        { "local s = luv.listen('127.0.0.1', 0, 1)", "#3 to 'listen' (table expected, got number)" },
        { "local s = luv.connect('127.0.0.1', 65536)", "#2 to 'connect' (port expected)" },
        { "local s = luv.connect('127.0.0.1', 1, { limit = 0 })",
          "#3 to 'connect' (option 'limit' is not an integer of at least 1)" },
        { "local s = luv.connect('/tmp', { limt = 1 })", "#2 to 'connect' (unknown option 'limt')" },
        { "local s = luv.stream(stream.handle, { limit = 1.5 })",
          "#2 to 'stream' (option 'limit' is not an integer of at least 1)" },
        { "local s = luv.stdio(9999)", "#1 to 'stdio' (not a stream)" },
        { "stream:write()", "#1 to 'write' (string or list of strings expected)" },
        { "stream:write{{}}", "#1 to 'write' (string or list of strings expected)" },
        { "local s = stream:read '*l'", [[#1 to 'read' (number, "l", "L" or "a" expected)]] },
      }, a)
      a:close()
      b:close()
    end)
  end)

  it("programs, signals and threads", function()
    x.run(function()
      local process = luv.spawn("sleep", { args = { "10" } })
      check({
        { "local p = luv.spawn('true', { stdio = { 'none' } })",
          "#2 to 'spawn' (stdio table entries must be nil, uv_stream_t, or integer)" },
        { "local p = luv.spawn('true', { cwd = 1 })", "#2 to 'spawn' (cwd option must be string)" },
        { "local p = luv.spawn('true', { kill_signal = 'sigweir' })",
          "#2 to 'spawn' (option 'kill_signal' is not a signal)" },
        { "local p = luv.spawn('true', { limit = 0 })",
          "#2 to 'spawn' (option 'limit' is not an integer of at least 1)" },
        { "process:kill 'sigweir'", "#1 to 'kill' (signal expected)" },
        { "process:kill 'SIGTERM'", "#1 to 'kill' (signal expected)" },
        { "for _ in luv.signals 'sigweir' do break end", "#1 to 'signals' (name of a signal expected)" },
        { "for _ in luv.signals() do break end", "#1 to 'signals' (name of a signal expected)" },
        { "local f = luv.work(print)", "#1 to 'work' (Lua function expected)" },
        { "local f = luv.work(function(n) return n end); local d = f({})", "#1 (a table cannot go to a thread)" },
      }, nil, process)
      assert.is_true(process:kill "sigkill")
      weir.await(process.exited)
    end)
  end)

  it("the loop", function()
    check { { "luv.run(1)", "#1 to 'run' (function expected, got number)" } }
    x.run(function()
      assert.equal("chunk:2: attempt to run inside a coroutine or callback", raised "luv.run(print)")
    end)
    local timer, message = luv.uv.new_timer(), nil
    timer:start(0, 0, function()
      timer:close()
      message = raised "luv.run(print)"
    end)
    luv.run()
    assert.equal("chunk:2: attempt to run inside a callback of libuv", message)
  end)

  it("a program that is not there is named", function()
    assert.equal("ENOENT: no such file or directory: /no/such", h.raised(luv.spawn, "/no/such").message)
  end)
end)
