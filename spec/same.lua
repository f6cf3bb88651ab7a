-- For specs of weir.socket, and those that run the same programs on LuaSocket, and compare what they print.
local assert = require "luassert"
local busted = require "busted"
local luv = require "weir.luv"
local socket = require "weir.socket"
local x = require "spec.uv"

local same = {}

--- A connected pair: a client of weir.socket and a Stream.
function same.pair()
  local server = luv.listen("127.0.0.1", 0)
  local client = assert.is_truthy(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
  local stream = server:accept()
  server:close()
  return client, stream
end

-- What both run around a program: the peer is a process of its own, whose standard input is a file of ours.
local FRAME = [[
  local module, port = %q, %d
  local function shown(value)
    if type(value) == "number" then return ("%%.14g"):format(value) end
    if type(value) == "string" then return ("%%q"):format(value) end
    return tostring(value)
  end
  local function show(...)
    local list = {}
    for i = 1, select("#", ...) do list[i] = shown((select(i, ...))) end
    while list[#list] == "nil" do list[#list] = nil end -- LuaSocket pads with nils
    print(table.concat(list, "  "))
  end
  local function message(f, ...)
    local ok, err = pcall(f, ...)
    return not ok and err:match "%%(.*%%)"
  end
  local function program(socket)
    local function connect() return assert(socket.connect("127.0.0.1", port)) end
    %s
  end
  if module == "socket" then return program(require "socket") end
  require("weir.luv").run(program, require(module))
]]

local function run(module, port, program)
  local output, how, status = x.program(FRAME:format(module, port, program))
  assert.is_true(how == "exit" and status == 0, module .. ":\n" .. output)
  return output
end

local function has_luasocket()
  return (x.program [[require "socket"]]) == ""
end

--- Makes a spec of each program, by its name. Each gets `socket`, `port`, of spec/peer.lua, `connect()`, a client of
--- that, `show(...)`, and `message(f, ...)`, what an error in that says behind position and name.
function same.compare(programs)
  local peer

  busted.setup(function() peer = x.start "spec/peer.lua" end)
  busted.teardown(function() peer:stop() end)

  local names = {}
  for name in pairs(programs) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    busted.it(name, function()
      if not has_luasocket() then busted.pending "LuaSocket is not installed" end
      assert.equal(run("socket", peer.port, programs[name]), run("weir.socket", peer.port, programs[name]))
    end)
  end
end

return same
