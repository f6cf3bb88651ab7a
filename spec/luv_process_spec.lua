-- weir.luv, other programs, signals and changes of files.
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

local function shell(script, stdio, more)
  local options = { args = { "-c", script }, stdio = stdio }
  for key, value in pairs(more or {}) do options[key] = value end
  return luv.spawn("sh", options)
end

local SIGTERM, SIGKILL = 15, 9

describe("luv.spawn:", function()
  after_each(tidy)

  it("tells the exit status and the signal", function()
    x.run(function()
      assert.same({ 0, 0 }, { weir.await(shell("exit 0").exited) })
      assert.same({ 7, 0 }, { weir.await(shell("exit 7").exited) })
      assert.same({ 0, SIGKILL }, { weir.await(shell("kill -9 $$").exited) })
    end)
  end)

  it("has Streams for the pipes that were asked for, others as uv.spawn has them", function()
    x.run(function()
      local process = shell("cat; echo err >&2; echo more >&3", { "pipe", "pipe", "pipe", "pipe" })
      process.stdin:write "in"
      process.stdin:close()
      assert.equal("in", process.stdout:read "a")
      assert.equal("err\n", process.stderr:read "a")
      assert.equal("more\n", process[3]:read "a")
      weir.await(process.exited)
      for _, stream in ipairs { process.stdout, process.stderr, process[3] } do stream:close() end
    end)
    x.run(function()
      local process = shell("echo $HOME; pwd", { nil, "pipe", "ignore" }, { env = { "HOME=here" }, cwd = "/" })
      assert.is_nil(process.stdin)
      assert.is_nil(process.stderr)
      assert.equal("here\n/\n", process.stdout:read "a")
      process.stdout:close()
      weir.await(process.exited)
    end)
  end)

  it("takes a Stream for the other program's", function()
    local a, b = x.pair()
    x.run(function()
      local process = shell("echo through", { nil, a })
      a:close()
      assert.equal("through\n", b:read "a")
      weir.await(process.exited)
    end)
    b:close()
  end)

  it("8.3 what cannot be started raises, and leaves no pipe open", function()
    local err = h.raised(luv.spawn, "/nowhere/at/all", { stdio = { "pipe", "pipe" } })
    assert.same({ "LuvError", "ENOENT" }, { err.name, err.code })
    assert.matches("args option must be table", h.raised(luv.spawn, "sh", { args = 1, stdio = { "pipe" } }))
    assert.matches("bad argument #1 to 'spawn'", h.raised(luv.spawn))
    assert.matches("bad argument #2 to 'spawn'", h.raised(luv.spawn, "sh", 1))
  end)

  it("kill sends a signal, and tells whether there was somebody", function()
    x.run(function()
      local process = shell "sleep 60 & wait"
      assert.is_true(process:kill "sigterm")
      assert.same({ 0, SIGTERM }, { weir.await(process.exited) })
      assert.is_false(process:kill())
      assert.matches("calling 'kill' on bad self %(Process expected", h.raised(process.kill, {}))
      assert.matches("^Process: 0x%x+ %(%d+, success%)$", tostring(process))
    end)
  end)

  it("2.5 any number may wait for the end, and 5.3 none of them alone kills it", function()
    x.run(function()
      local process = shell("read line", { "pipe" })
      local waiters = {}
      for i = 1, 3 do waiters[i] = weir.spawn(weir.await, process.exited) end
      waiters[1]:cancel()
      assert.equal("TimeoutError", h.raised(weir.await, process.exited, 0.002).name)
      process.stdin:write "\n"
      for i = 2, 3 do assert.same({ 0, 0 }, { weir.await(waiters[i]) }) end
      process.stdin:close()
    end)
  end)

  it("5.2 a cancel kills it, and ends when it has ended", function()
    x.run(function()
      local process = shell("trap 'echo cleaning; exit 1' TERM; echo ready; while :; do sleep 0.01; done",
        { nil, "pipe" })
      local owner = weir.spawn(weir.await, process.exited)
      assert.equal("ready", process.stdout:read "l")
      owner:cancel()
      assert.is_true(weir.is_cancelled(h.raised(weir.await, owner)))
      assert.is_false(process:kill())
      assert.equal("cleaning\n", process.stdout:read "a")
      process.stdout:close()
    end)
  end)

  it("5.6 one that does not listen is killed by force when the grace time is over", function()
    weir.grace(0.02)
    x.run(function()
      local process = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done", { nil, "pipe" })
      assert.equal("ready", process.stdout:read "l")
      process.exited:cancel()
      assert.is_true(weir.is_cancelled(h.raised(weir.await, process.exited)))
      assert.equal("", process.stdout:read "a")
      process.stdout:close()
    end)
    luv.run()
  end)

  it("5.2 with another signal, if that was asked for", function()
    x.run(function()
      local process = shell("trap 'echo quit; exit 1' QUIT; echo ready; while :; do sleep 0.01; done", { nil, "pipe" },
        { kill_signal = "sigquit" })
      assert.equal("ready", process.stdout:read "l")
      process.exited:cancel()
      assert.equal("quit\n", process.stdout:read "a")
      process.stdout:close()
      weir.await(weir.settle { process.exited })
    end)
  end)

  it("6.1 a pause holds the news of the end", function()
    x.run(function()
      local process = shell "exit 3"
      local waiter = weir.spawn(weir.await, process.exited)
      waiter:pause()
      weir.sleep(0.02)
      assert.equal("paused", waiter:status())
      waiter:unpause()
      assert.equal(3, weir.await(waiter))
    end)
  end)
end)

describe("luv.signals:", function()
  after_each(tidy)

  it("is a loop over signals by name, which ends with the loop", function()
    local t = h.trace()
    x.run(function()
      local loop = weir.spawn(function()
        for name in luv.signals("sigusr1", "sigusr2") do
          t(name)
          if name == "sigusr2" then break end
        end
        t "over"
      end)
      for _, name in ipairs { "sigusr1", "sigusr1", "sigusr2" } do
        uv.kill(uv.os_getpid(), name)
        weir.sleep(0.005)
      end
      weir.await(loop)
    end)
    assert.same({ "sigusr1", "sigusr1", "sigusr2", "over" }, t:list())
  end)

  it("5.5 a cancel closes it", function()
    x.run(function()
      local loop = weir.spawn(function()
        for _ in luv.signals "sigusr1" do h.ignore() end
      end)
      loop:cancel()
    end)
  end)

  it("8.4 wants names of signals", function()
    assert.matches("bad argument #2 to 'signals'", h.raised(luv.signals, "sigusr1", 1))
    assert.matches("bad argument #2 to 'signals'", h.raised(luv.signals, "sigusr1", "sigweir"))
    assert.matches("bad argument #1 to 'signals'", h.raised(luv.signals))
  end)
end)

describe("luv.watch:", function()
  after_each(tidy)

  it("is a loop over what changes in a directory", function()
    local dir = os.tmpname()
    os.remove(dir)
    assert(uv.fs_mkdir(dir, tonumber("700", 8)))
    local seen = x.run(function()
      local loop = weir.spawn(function()
        local next_change, _, _, closing = luv.watch(dir)
        local _ <close> = closing
        return table.concat({ next_change() }, " ")
      end)
      assert(io.open(dir .. "/new", "w")):close()
      return loop
    end)
    assert.equal("new rename", seen)
    os.remove(dir .. "/new")
    os.remove(dir)
  end)

  it("8.3 what cannot be watched raises", function()
    assert.equal("ENOENT", h.raised(luv.watch, "/nowhere/at/all").code)
    assert.matches("bad argument #1 to 'watch'", h.raised(luv.watch))
  end)
end)
