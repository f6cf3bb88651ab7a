-- The programs in C of spec/host: each case in a process of its own, so that one that crashes is one that fails.
local HOST = os.getenv "WEIR_HOST" or "build/default/host"

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- What a command prints, and whether it succeeded.
local function run(command, ...)
  local pipe = assert(io.popen(command:format(...) .. " 2>&1"))
  local output = pipe:read "a"
  return output, (pipe:close())
end

-- In an interpreter of its own that finds the module and those of HOST.
local function lua(chunk, ...)
  return run("LUA_PATH=%s LUA_CPATH=%s %s -e %s", quote(package.path), quote(package.cpath),
    os.getenv "LUA" or "lua5.4", quote(chunk:format(...)))
end

local function titles()
  local list = {}
  local output, ok = run("%s/compiled_in --list", HOST)
  assert(ok, "no programs in " .. HOST .. ": make spec builds them")
  for title in output:gmatch "[^\n]+" do list[#list + 1] = title end
  return list
end

describe("host", function()
  for _, title in ipairs(titles()) do
    it(title .. ", in a host that has weir in it", function()
      local output, ok = run("LUA_PATH=%s %s/compiled_in %s", quote(package.path), HOST, quote(title))
      assert.equal("", output)
      assert.is_true(ok)
    end)

    it(title .. ", in a module beside weir's own", function()
      local output, ok = lua("os.exit(require 'cases'(%q) == 0)", title)
      assert.equal("", output)
      assert.is_true(ok)
    end)
  end
end)

describe("weir.h", function()
  local CORE = package.searchpath("weir.core", package.cpath)

  -- The names of the symbols that nm prints with that option.
  local function symbols(option, path)
    local names = {}
    for line in assert(run("nm -D %s %s", option, quote(path))):gmatch "[^\n]+" do
      names[#names + 1] = line:match "(%S+)$"
    end
    return names
  end

  it("10.1 the library exports the function that opens it, and nothing else", function()
    local exported = {}
    for _, name in ipairs(symbols("--defined-only", CORE)) do
      if not name:find "^__" and not name:find "asan" and not name:find "^_[a-z]+$" then
        exported[#exported + 1] = name
      end
    end
    assert.same({ "luaopen_weir_core" }, exported)
  end)

  it("10.1 a module that uses it wants nothing of weir from the linker", function()
    local wants = symbols("--undefined-only", HOST .. "/countdown.so")
    assert.is_true(#wants > 5)
    for _, name in ipairs(wants) do assert.is_nil(name:find "weir", name) end
  end)

  it("10.1 3.1 a module's C function is a coroutine, awaited and cancelled from Lua", function()
    local output, ok = lua [[
      local weir = require "weir"
      local countdown = require "countdown"
      print(weir.run(function() return weir.await(countdown.countdown(3)) end))
      local co = countdown.countdown(1000)
      print((tostring(co):gsub("0x%%x+", "")))
      print(co:cancel("enough"), co:status())
      print(weir.is_cancelled(select(2, pcall(co.result, co))))
      print(countdown.cancelled("why"):status())
    ]]
    output = output:gsub(": *%(nil%)", ": ")
    assert.is_true(ok, output)
    assert.equal("liftoff\nCoroutine 'countdown':  (waiting, waits on Deferred: )\ntrue\tcancelled\ntrue\ncancelled\n",
      output)
  end)

  it("10.1 a module is refused where weir is not open", function()
    local output = lua "print(pcall(require, 'countdown'))"
    assert.truthy(output:find("false\tweir is not open in this state (C interface weir.api.1)", 1, true), output)
  end)

  -- What opening a module says that was compiled with another header.
  local function refusal(directory)
    local output, ok = lua([[
      require "weir"
      print(select(2, pcall(assert(package.loadlib("%s/%s/fetch.so", "luaopen_fetch")))))
    ]], HOST, directory)
    assert.is_true(ok, output)
    return output
  end

  it("10.1 a newer header is refused, and the versions are told", function()
    assert.equal("weir is too old: 0.1.0 is open, the header is of 0.1.0\n", refusal "newer")
  end)

  it("10.1 a header with other members is refused", function()
    assert.equal("weir is not open in this state (C interface weir.api.999)\n", refusal "other")
  end)

  it("10.1 a second copy of the library is refused, and the first works on", function()
    local copy = os.tmpname()
    assert(run("cp %s %s", quote(CORE), copy))
    local output, ok = lua([[
      local weir = require "weir"
      local open = assert(package.loadlib("%s", "luaopen_weir_core"))
      print(pcall(open))
      print(weir.spawn(function() return "works" end):result())
    ]], copy)
    os.remove(copy)
    assert.is_true(ok, output)
    assert.equal("false\tanother copy of weir is open in this state\nworks\n", output)
  end)

  it("10.1 opened under another name it is the same library", function()
    local output, ok = lua([[
      local core = package.loadlib("%s", "luaopen_weir_core")()
      local weir, countdown = require "weir", require "countdown"
      print(weir.is_deferred(core.functions.Deferred()))
      print(core.functions.run(function() return weir.await(countdown.countdown(2)) end))
    ]], CORE)
    assert.equal("true\nliftoff\n", output)
    assert.is_true(ok)
  end)

  it("10.1 it compiles as C++17 without a warning, and works there", function()
    local output, ok = run("%s/cxx", HOST)
    assert.is_true(ok, output)
    assert.equal("resumed 0\ncallback value\nresumed 1\nsucceeded 1 with 2 values\n", output)
  end)
end)
