-- weir.luv's console: a local socket through which other processes look into this one.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local h = require "spec.helper"
local x = require "spec.uv"
local uv = luv.uv

-- A directory of the spec's own, removed behind it.
local directory, path

local function entries()
  local list = {}
  local request = assert(uv.fs_scandir(directory))
  for name in function() return (uv.fs_scandir_next(request)) end do list[#list + 1] = name end
  return list
end

local function client()
  local stream = luv.connect(path)
  return function(line)
    stream:write(line .. "\n")
    return (stream:read_until("\n\0", 10))
  end, stream
end

local function ask(line)
  local send, stream = client()
  local _ <close> = stream
  return send(line)
end

local function write_file(text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- A socket at which nobody listens, as a program leaves it that was killed.
local function leave_socket()
  local _, _, status = x.program(([[
    local luv = require "weir.luv"
    luv.run(function()
      luv.console %q
      luv.uv.kill(luv.uv.os_getpid(), "sigkill")
      print "still there"
    end)
  ]]):format(path))
  assert.is_true(status == 9 or status == 128 + 9) -- as the shell has it
  assert.are.equal("socket", uv.fs_lstat(path).type)
end

describe("luv console", function()
  before_each(function()
    h.clean()
    directory = assert(uv.fs_mkdtemp "/tmp/weirXXXXXX")
    path = directory .. "/console"
  end)

  after_each(function()
    for _, name in ipairs(entries()) do os.remove(directory .. "/" .. name) end
    uv.fs_rmdir(directory)
    x.assert_nothing_left()
    h.restore()
  end)

  it("the socket is for its owner alone, and goes when it is closed", function()
    x.run(function()
      local console <close> = luv.console(path)
      assert.are.equal(384, uv.fs_lstat(path).mode & 511)
      assert.are.same({ "console" }, entries())
      assert.are.equal(("Console: %p (%s)"):format(console, path), tostring(console))
      console:close()
      assert.are.same({}, entries())
      console:close()
    end)
  end)

  it("answers about tasks by number and by name", function()
    x.run(function()
      local _ <close> = luv.console(path)
      local d = weir.Deferred()
      local a = weir.coroutine(function() weir.await(d) end, "a")()
      local twins = { weir.coroutine(function() weir.await(d) end, "twin")(),
        weir.coroutine(function() weir.await(d) end, "twin")() }
      assert.matches("^waiting [%d.]+ s for Deferred: 0x%x+ %(nobody has fired it%)$", ask "why a")
      assert.matches("^2 tasks have that name: #%d+ #%d+$", ask "why twin")
      local number = ask "why twin":match "#(%d+)"
      assert.are.equal(("#%s twin is paused"):format(number), ask("pause " .. number))
      assert.are.equal("paused", twins[1]:status())
      assert.matches("paused once", ask("why #" .. number), 1, true)
      assert.matches("^#%d+ twin: waiting", ask("unpause " .. number))
      assert.are.equal("attempt to unpause a Deferred that is not paused", ask("unpause " .. number))
      assert.matches("stack traceback", ask "traceback a", 1, true)
      assert.are.equal(weir.tree { root = a }:gsub("[%d.]+ s", ""), (ask "tree a":gsub("[%d.]+ s", "")))
      assert.matches("^digraph", ask "graph")
      assert.matches("live %d+\n", ask "stats")
      assert.are.equal(("#%s twin is cancelled"):format(number), ask("cancel " .. number .. "  for a reason"))
      local _, err = pcall(twins[1].result, twins[1])
      assert.are.equal("for a reason", err.reason)
      assert.matches("is cancelled", ask "cancel a")
      assert.are.equal("cancelled", a:status())
      d:callback()
    end)
  end)

  it("nonsense has an answer too", function()
    x.run(function()
      local _ <close> = luv.console(path)
      assert.are.equal("no command frob; help lists them", ask "frob")
      assert.are.equal("no task nobody", ask "pause nobody")
      assert.are.equal("no task 999999999", ask "pause 999999999")
      assert.are.equal("which task? Its number or its name is missing", ask "cancel")
      assert.are.equal("", ask "")
      assert.matches("tasks", ask "help")
      assert.are.equal("no command \\1\\255; help lists them", (ask "\1\255":gsub("\255", "\\255")))
    end)
  end)

  it("several clients, whose lines come in pieces or many at once", function()
    x.run(function()
      local _ <close> = luv.console(path)
      local _, one = client()
      local _, two = client()
      one:write "he"
      two:write "help\nfrob\n"
      assert.matches("why TASK", two:read_until("\n\0", 10), 1, true)
      assert.are.equal("no command frob; help lists them", (two:read_until("\n\0", 10)))
      one:write "lp\n"
      assert.matches("why TASK", one:read_until("\n\0", 10), 1, true)
      one:write "stats"
      one:shutdown()
      assert.is_nil((one:read(1)))
      two:write(("x"):rep(10000))
      assert.is_nil((two:read(1)))
      one:close()
      two:close()
    end)
  end)

  it("a command that ends what it talks to, and one that closes the console", function()
    x.run(function()
      local console = luv.console(path)
      weir.coroutine(function()
        local _ <close> = console
        weir.await(weir.Deferred())
      end, "owner")()
      local send, stream = client()
      assert.is_nil((send "cancel owner"))
      assert.are.same({}, entries())
      stream:close()
    end)
  end)

  it("what is there and no socket stays, and so does a console that is in use", function()
    x.run(function()
      write_file "precious"
      assert.are.equal("EEXIST", h.raised(luv.console, path).code)
      assert.are.equal("precious", io.open(path):read "a")
      os.remove(path)
      local _ <close> = luv.console(path)
      assert.are.equal("EADDRINUSE", h.raised(luv.console, path).code)
      assert.matches("live %d+\n", ask "stats")
    end)
  end)

  it("one that a killed program has left is replaced", function()
    leave_socket()
    x.run(function()
      local _ <close> = luv.console(path)
      assert.matches("live %d+\n", ask "stats")
    end)
    assert.are.same({}, entries())
  end)

  it("what has taken its place is not removed", function()
    x.run(function()
      local console = luv.console(path)
      os.remove(path)
      write_file "another's"
      console:close()
    end)
    assert.are.same({ "console" }, entries())
  end)

  it("wrong paths are argument errors; a place that is not there raises", function()
    x.run(function()
      for _, bad in ipairs { 1, "", "/", "/tmp/", "a\0b", ("x"):rep(200) } do
        assert.matches("bad argument #1 to 'console'", h.raised(luv.console, bad), 1, true)
      end
      assert.are.equal("ENOENT", h.raised(luv.console, directory .. "/none/console").code)
    end)
  end)

  it("it stays open when nobody holds it, and is removed when the program ends", function()
    local output = x.program(([[
      local luv = require "weir.luv"
      luv.run(function()
        luv.console %q
        collectgarbage()
        collectgarbage()
        print(luv.uv.fs_lstat(%q).type)
      end)
    ]]):format(path, path))
    assert.are.equal("socket\n", output)
    assert.are.same({}, entries())
  end)

  it("it keeps no loop going, with a client or without", function()
    local output, how, status = x.program(([[
      local luv = require "weir.luv"
      luv.run(function() luv.console %q end)
      luv.run()
      print "one"
      luv.run(function() client = luv.connect %q end)
      luv.run()
      print "two"
    ]]):format(path, path))
    assert.are.equal("one\ntwo\n", output)
    assert.are.equal("exit 0", ("%s %d"):format(how, status))
  end)
end)
