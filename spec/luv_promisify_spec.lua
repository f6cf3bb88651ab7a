-- weir.luv, functions with a callback: promisify, fs, names, threads.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local h = require "spec.helper"
local x = require "spec.uv"
local uv = luv.uv

local MODE = tonumber("600", 8)

local function tidy()
  x.assert_nothing_left()
  h.restore()
end

-- A function in the manner of luv's, and what it has been called with; answer(...) calls back.
local function fake(...)
  local calls, results = {}, table.pack(...)
  local answer
  local function f(...)
    local arguments = table.pack(...)
    answer = table.remove(arguments, arguments.n)
    arguments.n = arguments.n - 1
    calls[#calls + 1] = arguments
    return table.unpack(results, 1, results.n)
  end
  return f, calls, function(...) return answer(...) end
end

describe("luv.promisify:", function()
  after_each(tidy)

  it("passes on the arguments, nils among them, and then the callback", function()
    local f, calls = fake(true)
    luv.promisify(f)(1, nil, "x", nil)
    assert.same({ { n = 4, 1, nil, "x", nil } }, calls)
  end)

  it("the values behind a nil are those of the Deferred", function()
    local f, _, answer = fake(true)
    local d = luv.promisify(f)()
    assert.equal("pending", d:status())
    answer(nil, 1, nil, "x", nil)
    assert.same({ n = 4, 1, nil, "x", nil }, table.pack(d:result()))
  end)

  it("8.3 an error is an object with the name that libuv has for it", function()
    local f, _, answer = fake(true)
    local d = luv.promisify(f)()
    answer "ECONNREFUSED"
    local err = h.raised(d.result, d)
    assert.same({ "LuvError", "ECONNREFUSED" }, { err.name, err.code })
    assert.equal("LuvError: ECONNREFUSED: connection refused", tostring(err))
  end)

  it("8.3 its message is that of libuv, or the name alone if there is none", function()
    local function message(err)
      local d = luv.promisify((fake(nil, err)))()
      return h.raised(d.result, d).message
    end
    assert.equal("ENOENT: no such file or directory: nowhere", message "ENOENT: no such file or directory: nowhere")
    assert.equal("EAI_NONAME: unknown node or service", message "EAI_NONAME")
    assert.equal("EOF: end of file", message "EOF")
    assert.equal("ENOTKNOWN", message "ENOTKNOWN")
  end)

  it("a function that fails at once fails the Deferred, one that raises raises", function()
    local d = luv.promisify((fake(nil, "EBADF: bad file descriptor", "EBADF")))()
    assert.equal("EBADF", h.raised(d.result, d).code)
    assert.equal("no", h.raised(luv.promisify(function() error("no", 0) end)))
  end)

  it("2.2 what was fired by hand before stays as it is", function()
    local f, _, answer = fake(true)
    local d = luv.promisify(f)()
    d:callback "by hand"
    answer(nil, "late")
    assert.equal("by hand", d:result())
  end)

  it("6.1 a pause holds what comes", function()
    local f, _, answer = fake(true)
    local t, get = h.trace(), luv.promisify(f)
    local co = weir.spawn(function() t(weir.await(get())) end)
    co:pause()
    answer(nil, "value")
    assert.same({}, t:list())
    co:unpause()
    assert.same({ "value" }, t:list())
  end)

  it("5.1 what comes behind a cancel is dropped, a success given to the second function", function()
    local t = h.trace()
    local f, _, answer = fake(true)
    local get = luv.promisify(f, function(...) t(table.concat({ ... }, " ")) end)
    local d = get()
    assert.is_true(d:cancel())
    assert.is_true(weir.is_cancelled(h.raised(d.result, d)))
    answer(nil, 1, 2)
    get():cancel()
    answer "ECANCELED"
    get()
    answer(nil, 3)
    assert.same({ "1 2" }, t:list())
  end)

  it("8.4 checks its arguments", function()
    assert.matches("bad argument #1 to 'promisify' %(function expected, got no value%)", h.raised(luv.promisify))
    assert.matches("bad argument #2 to 'promisify' %(function expected", h.raised(luv.promisify, print, 1))
  end)
end)

describe("luv.fs:", function()
  local path

  before_each(function() path = os.tmpname() end)

  after_each(function()
    os.remove(path)
    tidy()
  end)

  local function open_fds()
    local n = 0
    for _ in uv.fs_scandir_next, (uv.fs_scandir "/proc/self/fd") do n = n + 1 end
    return n
  end

  it("opens, writes, reads and closes", function()
    assert.equal("a line\n", x.run(function()
      local fd = weir.await(luv.fs.open(path, "w+", MODE))
      assert.equal(7, weir.await(luv.fs.write(fd, "a line\n", 0)))
      local text = weir.await(luv.fs.read(fd, 100, 0))
      assert.is_true(weir.await(luv.fs.close(fd)))
      return text
    end))
  end)

  it("fails with libuv's message", function()
    local err = h.raised(x.run, function() return luv.fs.open("/nowhere/at/all", "r", 0) end)
    assert.equal("ENOENT", err.code)
    assert.equal("LuvError: ENOENT: no such file or directory: /nowhere/at/all", tostring(err))
  end)

  it("8.4 bad arguments raise at the call", function()
    assert.matches("bad argument #1", h.raised(luv.fs.open))
    assert.matches("bad argument #1", h.raised(luv.fs.read, "x", 1, 0))
    assert.matches("bad argument #2", h.raised(luv.fs.read, 0, {}, 0))
  end)

  it("has all functions of luv that call back once, and no other", function()
    for name in pairs(uv) do
      local short = name:match "^fs_(.*)"
      if short then
        local calls_back = not (short:find "^event_" or short:find "^poll_" or short == "scandir_next")
        assert.equal(calls_back, luv.fs[short] ~= nil, short)
      end
    end
  end)

  it("5.1 a file that comes behind a cancel is closed, and a new temporary one removed", function()
    local before = open_fds()
    local dir = path .. ".d"
    assert(uv.fs_mkdir(dir, tonumber("700", 8)))
    x.run(function()
      luv.fs.open(path, "r", 0):cancel()
      luv.fs.opendir("/"):cancel()
      luv.fs.mkstemp(dir .. "/XXXXXX"):cancel()
      luv.fs.mkdtemp(dir .. "/XXXXXX"):cancel()
    end)
    luv.run()
    assert.equal(before, open_fds())
    assert(uv.fs_rmdir(dir)) -- which must be empty
  end)

  it("5.1 a close happens in spite of a cancel", function()
    local before = open_fds()
    x.run(function()
      local fd = weir.await(luv.fs.open(path, "r", 0))
      assert.is_true(luv.fs.close(fd):cancel())
    end)
    luv.run()
    assert.equal(before, open_fds())
  end)

  it("5.5 a close waits for an operation that a cancel could not stop", function()
    local fifo = path .. ".fifo"
    assert(os.execute("mkfifo " .. fifo))
    local t = h.trace()
    x.run(function()
      local fd = weir.await(luv.fs.open(fifo, "r+", 0))
      local reading = luv.fs.read(fd, 1, -1) -- blocks a thread until somebody writes
      weir.sleep(0.02)
      reading:cancel()
      local closed = luv.fs.close(fd):add_both(function(ok) t(ok) end)
      assert.equal("EBADF", h.raised(weir.await, luv.fs.close(fd)).code)
      weir.sleep(0.02)
      t "still open"
      local writer = weir.await(luv.fs.open(fifo, "w", 0))
      weir.await(luv.fs.write(writer, "x", -1))
      weir.await(closed)
      weir.await(luv.fs.close(writer))
    end)
    os.remove(fifo)
    assert.same({ "still open", true }, t:list())
  end)

  it("9.1 many at once, in the order of the keys", function()
    local sizes = x.run(function()
      return weir.map({ "/", "/etc", "/usr", "/tmp" }, function(name)
        return weir.await(luv.fs.stat(name)).type
      end, 2)
    end)
    assert.same({ "directory", "directory", "directory", "directory" }, sizes)
  end)
end)

describe("luv.getaddrinfo, luv.getnameinfo:", function()
  after_each(tidy)

  it("tell addresses and names", function()
    x.run(function()
      assert.equal("127.0.0.1", weir.await(luv.getaddrinfo "127.0.0.1")[1].addr)
      local list = weir.await(luv.getaddrinfo("127.0.0.1", "80", { socktype = "stream" }))
      assert.same({ "127.0.0.1", 80 }, { list[1].addr, list[1].port })
      local host, service = weir.await(luv.getnameinfo { ip = "127.0.0.1", port = 80 })
      assert.equal("string", type(host))
      assert.equal("string", type(service))
    end)
  end)
end)

describe("luv.work:", function()
  after_each(tidy)

  it("calls f on another thread, with its arguments, for its values", function()
    local f = luv.work(function(a, b, c) return b .. "!", nil, not a, c, 2.5 end)
    assert.same({ n = 5, "x!", nil, true, nil, 2.5 }, table.pack(x.run(function() return f(false, "x") end)))
  end)

  it("lets the loop go on meanwhile, and several run at the same time", function()
    -- Each waits for the other by a file of its own.
    local a, b = os.tmpname(), os.tmpname()
    local meet = luv.work(function(mine, other)
      os.remove(mine)
      repeat
        local file = io.open(other)
        if file then file:close() end
      until not file
      return "met"
    end)
    local ticks = 0
    x.run(function()
      local ticker = weir.every(0.001, function() ticks = ticks + 1 end)
      weir.await(weir.all { meet(a, b), meet(b, a), weir.after(0.02) })
      ticker:cancel()
    end)
    assert.is_true(ticks > 0)
  end)

  it("8.3 an error in f is the failure, as a string", function()
    local fails = luv.work(function(what) error("no " .. what, 0) end)
    assert.equal("no luck", h.raised(x.run, function() return fails "luck" end))
    assert.equal("table: ", h.raised(x.run, function() return luv.work(function() error {} end)() end):sub(1, 7))
  end)

  it("what cannot change threads is an error", function()
    local function of(f, ...) return h.raised(x.run, luv.work(f), ...) end
    assert.equal("a table cannot come back from a thread", of(function() return {} end))
    assert.equal("a function cannot come back from a thread", of(function() return 1, print end))
    assert.equal("too many values", of(function() return 1, 2, 3, 4, 5, 6, 7, 8, 9 end))
    assert.matches("bad argument #1 %(a table cannot go to a thread", of(function() end, {}))
    assert.matches("too many values for a thread", of(function() end, 1, 2, 3, 4, 5, 6, 7, 8, 9))
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, { x.run(luv.work(function(...) return ... end), 1, 2, 3, 4, 5, 6, 7, 8) })
  end)

  it("5.1 what comes behind a cancel is dropped", function()
    local d = luv.work(function() return 1 end)()
    assert.is_true(d:cancel())
    luv.run()
    assert.equal("cancelled", d:status())
  end)

  it("8.4 wants a Lua function", function()
    assert.matches("bad argument #1 to 'work' %(Lua function expected%)", h.raised(luv.work, 1))
    assert.matches("bad argument #1 to 'work' %(Lua function expected%)", h.raised(luv.work, print))
  end)

  it("8.4 wants one without upvalues, but for that of what is global", function()
    local n = 1
    local message = "bad argument #1 to 'work' %(function without upvalues expected%)"
    assert.matches(message, h.raised(luv.work, function() return n end))
    assert.matches(message, h.raised(luv.work, function() return tostring(n) end))
    assert.matches(message, h.raised(luv.work, function() return n, tostring(1) end))
    assert.equal("1", x.run(luv.work(function() return tostring(1) end)))
    assert.equal("1", x.run(luv.work(load(string.dump(function() return tostring(1) end, true)))))
  end)
end)
