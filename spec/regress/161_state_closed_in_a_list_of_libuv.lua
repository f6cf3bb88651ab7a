-- libuv takes what a thread has done, what has been written, signals, and programs that have ended off lists of its
-- own, and calls back for each: `os.exit(code, true)` in a coroutine that went on there never came back, as the loop
-- waited for the rest of the list. luv alone still does that.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.uv"
local uv = luv.uv

local WAYS = {
  ["what threads have done"] = [[
    for _ = 1, 3 do weir.spawn(function() weir.await(luv.fs.stat "/"); leave() end) end
    uv.sleep(100)
    luv.run()
  ]],
  ["jobs that threads have done"] = [[
    local job = luv.work(function() end)
    for _ = 1, 3 do weir.spawn(function() weir.await(job()); leave() end) end
    uv.sleep(100)
    luv.run()
  ]],
  ["addresses"] = [[
    for _ = 1, 3 do weir.spawn(function() weir.await(luv.getaddrinfo "127.0.0.1"); leave() end) end
    uv.sleep(100)
    luv.run()
  ]],
  ["what has been written"] = [[
    local fds = uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true })
    local a, b = uv.new_pipe(), uv.new_pipe()
    a:open(fds[1])
    b:open(fds[2])
    repeat until not a:try_write(("x"):rep(4096))
    local stream = luv.stream(a)
    for _ = 1, 3 do weir.spawn(function() stream:write "x"; leave() end) end
    b:read_start(function() end)
    luv.run()
  ]],
  ["writes that a close ends"] = [[
    local fds = uv.socketpair("stream", nil, { nonblock = true }, { nonblock = true })
    local a = uv.new_pipe()
    a:open(fds[1])
    repeat until not a:try_write(("x"):rep(4096))
    local stream = luv.stream(a)
    for _ = 1, 3 do weir.spawn(function() pcall(stream.write, stream, "x"); leave() end) end
    stream:close()
    luv.run()
  ]],
  ["a signal"] = [[
    weir.spawn(function() for _ in luv.signals("sigusr1", "sigusr2") do leave() end end)
    uv.kill(uv.os_getpid(), "sigusr1")
    uv.kill(uv.os_getpid(), "sigusr2")
    luv.run()
  ]],
  ["programs"] = [[
    for _ = 1, 3 do
      weir.spawn(function()
        weir.await(luv.spawn("true").exited)
        leave()
      end)
    end
    uv.sleep(300)
    luv.run()
  ]],
  ["changes of a file"] = [[
    local path = os.tmpname()
    for _ = 1, 3 do weir.spawn(function() for _ in luv.watch(path) do os.remove(path); leave() end end) end
    luv.attach()
    uv.run "nowait"
    for _ = 1, 3 do io.open(path, "w"):write("x"):close() end
    luv.run()
  ]],
}

describe("regress 161", function()
  for what, text in pairs(WAYS) do
    it("8.4 the state can be closed by one who is told of " .. what, function()
      local output, how, status = x.program([[
        local weir, luv = require "weir", require "weir.luv"
        local uv = luv.uv
        local function leave() os.exit(3, true) end
      ]] .. text)
      assert.same({ "", "exit", 3 }, { output, how, status })
    end)
  end

  local function open_files()
    local n = 0
    for _ in uv.fs_scandir_next, assert(uv.fs_scandir "/proc/self/fd") do n = n + 1 end
    return n
  end

  it("5.1 what is cancelled before it is told is discarded, and not asked for again", function()
    x.run(function()
      local before, opened = open_files(), {}
      for i = 1, 3 do
        opened[i] = luv.fs.open("/dev/null", "r", 0)
        opened[i]:add_callbacks(function(fd)
          for j = 1, 3 do opened[j]:cancel() end
          uv.fs_close(fd)
        end, function() end)
      end
      uv.sleep(100)
      weir.sleep(0.01)
      assert.equal(before, open_files())
    end)
    x.assert_nothing_left()
  end)

  it("5.2 a loop that ends with the first signal does not fail for the second", function()
    local unhandled, seen = h.unhandled(), 0
    x.run(function()
      weir.spawn(function()
        weir.sleep(0.01)
        for _, name in ipairs { "sigusr1", "sigusr2" } do uv.kill(uv.os_getpid(), name) end
      end)
      for _ in luv.signals("sigusr1", "sigusr2") do
        seen = seen + 1
        if seen > 0 then break end
      end
      weir.sleep(0.01)
    end)
    h.collect()
    weir.step()
    h.restore()
    assert.equal(1, seen)
    assert.same({}, unhandled)
    x.assert_nothing_left()
  end)

  it("8.4 who takes weir out of the loop is behind all that threads have done", function()
    local done = {}
    local function stat(i)
      weir.await(luv.fs.stat "/")
      done[#done + 1] = i
    end
    for i = 1, 3 do weir.spawn(stat, i) end
    uv.fs_stat("/", luv.detach)
    uv.sleep(100)
    uv.run()
    table.sort(done)
    assert.same({ 1, 2, 3 }, done)
    x.assert_nothing_left()
  end)
end)
