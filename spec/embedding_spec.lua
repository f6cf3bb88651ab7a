-- docs/embedding.md and weir.h: the programs of the page run, nothing is left out.
local HOST = os.getenv "WEIR_HOST" or "build/default/host"
local PAGE, HEADER = "docs/embedding.md", "src/weir.h"

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

local function run(command, ...)
  local pipe = assert(io.popen(command:format(...) .. " 2>&1"))
  local output = pipe:read "a"
  return output, (pipe:close())
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

-- The first block of the page that is in that language.
local function block(language)
  return assert(read(PAGE):match("\n```" .. language .. "\n(.-)```\n"))
end

-- Those whose first parameter begins so.
local function members(parameter)
  local list = {}
  local table_of = read(HEADER):match "typedef struct weir_Api {(.*)} weir_Api;"
  for name in table_of:gmatch("\n  %a[%w_ ]*%(?%*?%(%*([%a_]+)%)%(" .. (parameter or "")) do
    list[#list + 1] = name
  end
  assert(#list > 30)
  return list
end

-- How many frames it takes depends on the machine: the budget is in real time.
local function without_frames(text) return (text:gsub("frame %d+\n", "")) end

describe("embedding", function()
  it("10.1 the host in the page, of at most 60 lines, prints what it says", function()
    local output, ok = run("LUA_PATH=%s %s/page/host", quote(package.path), HOST)
    assert.equal(without_frames(block "text"), without_frames(output))
    assert.is_true(ok)
    local _, lines = block "c":gsub("\n", "")
    assert.is_true(lines <= 60, lines .. " lines")
  end)

  it("10.1 the module in the page can be awaited", function()
    local output, ok = run("LUA_PATH=%s LUA_CPATH=%s %s -e %s", quote(package.path), quote(package.cpath),
      os.getenv "LUA" or "lua5.4", quote [[
        local weir = require "weir"
        local later = require "later"
        print(weir.run(function() return table.unpack(weir.await(weir.all { later "a", later "b" })) end))
      ]])
    assert.equal("a, later\tb, later\n", output)
    assert.is_true(ok)
  end)

  it("10.2 the module in the page that has a thread can be awaited, and cancelled", function()
    local output, ok = run("LUA_PATH=%s LUA_CPATH=%s %s -e %s", quote(package.path), quote(package.cpath),
      os.getenv "LUA" or "lua5.4", quote [[
        local weir = require "weir"
        local elsewhere = require "elsewhere"
        print(weir.run(weir.await, elsewhere(10000)))
        local d = elsewhere(math.maxinteger)
        d:cancel()
        print(weir.run(pcall, weir.await, d))
      ]])
    assert.equal("50005000\nfalse\tCancelledError: cancelled\n", output)
    assert.is_true(ok)
  end)

  it("10.1 the page names every function of the table", function()
    local page = read(PAGE)
    for _, name in ipairs(members()) do
      assert.truthy(page:find("`" .. name .. "`", 1, true), name)
    end
  end)

  it("10.1 every function of the table is called in a case", function()
    local cases = run "cat spec/host/*.c"
    for _, name in ipairs(members()) do
      assert.truthy(cases:find(">" .. name .. "(", 1, true), name)
    end
  end)

  it("10.1 the header says of every function what it does to the stack", function()
    local last = 1
    local text = read(HEADER)
    for _, name in ipairs(members "lua_State") do
      local at = assert(text:find("(*" .. name .. ")(", 1, true))
      assert.truthy(text:sub(last, at):find "%[%-.-, %+.-, [mv]%] %*/", name)
      last = at
    end
  end)
end)
