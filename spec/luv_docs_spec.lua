-- docs/luv.md and docs/socket.md have all that is public, and nothing else. Their examples are run by docs_spec.lua.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local socket = require "weir.socket"
local x = require "spec.uv"

local function text_of(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function methods_of(names, kind, object)
  for name in pairs(getmetatable(object).__index) do
    if not name:find "^__" then names[kind .. ":" .. name] = true end
  end
end

local function names_of_luv()
  local names = {}
  for name in pairs(luv) do names["luv." .. name] = true end
  x.run(function()
    local server <close> = luv.listen("127.0.0.1", 0)
    local stream <close> = luv.connect(server:getsockname())
    local process = luv.spawn "true"
    local path = os.tmpname()
    os.remove(path)
    local console <close> = luv.console(path)
    methods_of(names, "server", server)
    methods_of(names, "stream", stream)
    methods_of(names, "process", process)
    methods_of(names, "console", console)
    weir.await(process.exited)
  end)
  return names
end

describe("docs of weir.luv and weir.socket", function()
  after_each(x.assert_nothing_left)

  it("have a heading for every public name of weir.luv", function()
    local text = text_of "docs/luv.md"
    for name in pairs(names_of_luv()) do
      assert(text:find("\n### " .. name .. "\n", 1, true), "no heading: " .. name)
    end
  end)

  it("have no heading for what does not exist", function()
    local names = names_of_luv()
    for name in text_of("docs/luv.md"):gmatch "\n### (%S+)\n" do assert(names[name], "no such thing: " .. name) end
  end)

  it("list every public name of weir.socket", function()
    local text, listed = text_of "docs/socket.md", {}
    for name in text:gmatch "`([%a_%d]+)`" do listed[name] = true end
    local skipped = { dns = true, sinkt = true, sourcet = true, select = true }
    for name in pairs(socket) do assert(listed[name] or skipped[name], name) end
    for name in pairs(socket.dns) do assert(listed[name], name) end
    for name in pairs(getmetatable(socket.tcp()).__index) do assert(listed[name] or name:find "^__", name) end
    for name in text:match("\n| module | (.-) |\n"):gmatch "`(%S+)`" do assert(socket[name] ~= nil, name) end
    for name in text:match("\n| `dns` | (.-) |\n"):gmatch "`(%S+)`" do assert(socket.dns[name], name) end
    for name in text:match("\n| TCP objects | (.-) |\n"):gmatch "`(%S+)`" do assert(socket.tcp()[name], name) end
  end)
end)
