-- A socket or a controller that was closed, and what has no fields, a function for example, ended the loop of a cqueues
-- controller for good when it was polled: "cannot step live cqueue". A string and a file of Lua's were waited for for
-- ever.
if not pcall(require, "cqueues") then return pending "cqueues is not installed" end

local cq = require "weir.cqueues"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.cq"

local WRONG = "^spec/%S+: bad argument #2 to 'poll' %(object with a pollfd, or number expected%)$"

local function closed_socket()
  local a = socket.pair()
  a:close()
  return a
end

local function closed_controller()
  local controller = cqueues.new()
  controller:close()
  return controller
end

describe("regress 163", function()
  after_each(x.assert_nothing_left)

  local function assert_fine()
    local a, b = socket.pair()
    local reader = weir.spawn(function() return a:read() end)
    b:write "still there\n"
    assert.equal("still there", weir.await(reader))
  end

  it("8.4 what is no object is an error of the call", function()
    x.run(function()
      for _, value in ipairs { true, "a string", print, coroutine.create(print), io.stdout } do
        assert.matches(WRONG, h.raised(function() cq.poll(1, value) end))
        assert.matches("bad argument #2 to 'poll'", h.raised(function() cqueues.poll(1, value) end))
      end
      assert_fine()
    end)
  end)

  for what, make in pairs { ["a socket"] = closed_socket, ["a controller"] = closed_controller } do
    it("2.11 nor can be polled what is closed: " .. what, function()
      x.run(function()
        local closed = make()
        for _, wait in ipairs { function() weir.await(cq.poll(closed)) end, function() cqueues.poll(1, closed) end } do
          local err = h.raised(wait)
          assert.equal("ClosedError: closed " .. what:match "%w+$", tostring(err))
        end
        assert_fine()
      end)
    end)
  end

  for first, closes in pairs { ["before"] = { 1, 2 }, ["behind"] = { 2, 1 } } do
    it("2.11 it is closed while it is polled, " .. first .. " a file that cqueues does not know of", function()
      local others = pcall(require, "socket") and require "socket"
      if not others then return pending "LuaSocket is not installed" end
      local server = others.bind("127.0.0.1", 0)
      local host, port = server:getsockname()
      local client = others.connect(host, port)
      local a = socket.pair()
      x.run(function()
        local stranger = weir.spawn(cqueues.poll, { pollfd = client:getfd(), events = "r" })
        local waiter = weir.spawn(pcall, cqueues.poll, a, 0.1)
        cqueues.sleep(0.001)
        local acts = { function() a:close() end, function() client:close() end }
        for _, i in ipairs(closes) do acts[i]() end
        stranger:cancel()
        weir.await(waiter)
        assert_fine()
      end)
      server:close()
    end)
  end
end)
