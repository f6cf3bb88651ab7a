-- examples/chat: what it says to whom, and that it survives its clients. In one process with the clients, on a clock
-- that the spec moves.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end
package.path = "examples/?.lua;" .. package.path

local weir = require "weir"
local luv = require "weir.luv"
local Server = require "chat.server"
local options = require "chat.options"
local h = require "spec.helper"
local x = require "spec.uv"

local WELCOME = "* welcome; what is your name?"

local function hello(name) return ("* hello %s, this is the lobby; /help tells what you can do"):format(name) end

-- A connection, as a client sees it.
local Client = {}
Client.__index = Client

function Client:send(...)
  for _, line in ipairs { ... } do self.stream:write(line .. "\n") end
end

function Client:expect(...)
  for _, line in ipairs { ... } do assert.equal(line, self.stream:read("l")) end
end

--- All that was sent before has been read and done.
function Client:sync()
  self:send "/rooms"
  repeat
    local line = self.stream:read("l")
  until line:find "^%* rooms: "
end

function Client:expect_end(...)
  self:expect(...)
  assert.is_nil(self.stream:read())
  self.stream:close()
end

-- A server that runs, with clients of its own.
local Case = {}
Case.__index = Case

function Case:connect(stream_options)
  local client = setmetatable({ stream = luv.connect(self.host, self.port, stream_options) }, Client)
  table.insert(self.clients, client)
  return client
end

function Case:enter(name)
  local client = self:connect()
  client:expect(WELCOME)
  client:send(name)
  client:expect(hello(name))
  return client
end

function Case:close()
  for _, client in ipairs(self.clients) do client.stream:close() end
  self.task:cancel()
  pcall(weir.await, self.task)
end

-- Calls f(case, clock) in a loop in which the server is; nothing of the server is left behind.
local function serve(given, f)
  local clock, unhandled = h.manual(), h.unhandled()
  given.port, given.rate, given.seed = 0, given.rate or math.huge, 1
  x.run(function()
    local log = {}
    local server = Server.new(options.new(given), function(text) log[#log + 1] = text end)
    local case = setmetatable({ server = server, house = server.house, log = log, clients = {} }, Case)
    case.host, case.port = server:address()
    case.task = weir.spawn(server.run, server)
    f(case, clock)
    case:close()
    assert.equal("cancelled", case.task:status())
    assert.same({ 0, nil, nil }, { server.house.count, next(server.house.guests), next(server.house.rooms) })
  end)
  h.collect()
  x.rounds(2)
  assert.equal("", unhandled[1] and tostring(unhandled[1].err) .. unhandled[1].traceback .. tostring(unhandled[1].d) or "")
end

local function tidy()
  x.assert_nothing_left()
  h.restore()
end

describe("examples/chat, who is who:", function()
  after_each(tidy)

  it("asks for a name, which nobody else may have", function()
    serve({}, function(case)
      local ada = case:enter "Ada"
      local bob = case:connect()
      bob:expect(WELCOME)
      bob:send("ada", "two words", "", "1st", ("x"):rep(17), "bob")
      bob:expect("* ada is here already; what is your name?")
      local again = "* up to 16 letters, digits, _ and -, a letter first; what is your name?"
      bob:expect(again, again, again, hello "bob")
      ada:expect "* bob is here"
    end)
  end)

  it("a name is free again when its owner has gone", function()
    serve({}, function(case)
      local ada = case:enter "ada"
      ada:send "/quit"
      ada:expect_end "* goodbye"
      local other = case:enter "ADA"
      other:send "/who"
      other:expect "* in lobby: ADA"
    end)
  end)

  it("two who ask for a name at the same time: one of them gets it", function()
    serve({}, function(case)
      local a, b = case:connect(), case:connect()
      a:send "eve"
      b:send "eve"
      a:expect(WELCOME)
      b:expect(WELCOME)
      local answers = { [a.stream:read "l"] = true, [b.stream:read "l"] = true }
      assert.same({ [hello "eve"] = true, ["* eve is here already; what is your name?"] = true }, answers)
    end)
  end)

  it("turns away who comes when it is full, and lets others in when somebody has gone", function()
    serve({ most = 2 }, function(case)
      local ada, bob = case:enter "ada", case:enter "bob"
      case:connect():expect_end "* the house is full, come again later"
      bob:send "/quit"
      bob:expect_end "* goodbye"
      ada:expect("* bob is here", "* bob has gone")
      local eve = case:enter "eve"
      ada:expect "* eve is here"
    end)
  end)
end)

describe("examples/chat, what is said:", function()
  after_each(tidy)

  it("is heard by all others in the room, and by nobody else", function()
    serve({}, function(case)
      local ada, bob, eve = case:enter "ada", case:enter "bob", case:enter "eve"
      eve:send "/join Cellar"
      eve:expect "* in cellar: eve"
      ada:sync()
      bob:expect("* eve is here", "* eve has gone")
      ada:send("hello", "/rooms")
      ada:expect "* rooms: cellar (1), lobby (2)"
      bob:expect "<ada> hello"
      eve:send "anybody?"
      eve:sync()
      bob:send("/JOIN cellar", "hi")
      bob:expect "* in cellar: eve, bob"
      eve:expect("* bob is here", "<bob> hi")
    end)
  end)

  it("to one alone", function()
    serve({}, function(case)
      local ada, bob = case:enter "ada", case:enter "bob"
      ada:expect "* bob is here"
      ada:send("/msg BOB over here", "/msg eve x", "/msg bob", "/msg")
      ada:expect("* there is no eve", "* /msg NAME TEXT", "* /msg NAME TEXT")
      bob:expect "<ada, to you> over here"
    end)
  end)

  it("to the commands there are, and to none", function()
    serve({}, function(case)
      local ada = case:enter "ada"
      ada:send("/help", "/dance now", "/", "/join no, thanks", "/pause")
      ada:expect("* /help /join /msg /pause /play /quit /resume /rooms /stop /who; anything else is said to the room",
        "* there is no /dance; /help lists what there is", "* there is no /; /help lists what there is",
        "* /join ROOM: up to 16 letters, digits, _ and -", "* there is no game on; /play starts one")
    end)
  end)

  it("can do nothing to the terminals of others", function()
    serve({}, function(case)
      local ada, bob = case:enter "ada", case:enter "bob"
      ada:expect "* bob is here"
      ada:send("a\27[2Jb\0c\127\u{9b}d\t\r", "gr\u{fc}n \u{1F600}", "\r", " \27 ", "\xff\xfb", "\u{d7ff}\xed\xa0\x80", "end")
      bob:expect("<ada> a [2Jb c  d", "<ada> gr\u{fc}n \u{1F600}", "<ada> end")
      local complaint = "* that was no UTF-8, and nobody has seen it"
      ada:expect(complaint, complaint)
    end)
  end)

  it("is not too long; and who does not end a line is not listened to any more", function()
    serve({}, function(case)
      local ada, bob = case:enter "ada", case:enter "bob"
      bob:send(("x"):rep(399), ("x"):rep(400), ("y"):rep(50000))
      local complaint = "* that was too long, and nobody has seen it: 400 bytes at most"
      bob:expect(complaint, complaint)
      ada:expect("* bob is here", "<bob> " .. ("x"):rep(399))
      bob.stream:write(("z"):rep(5000))
      bob:expect_end "* your line does not end"
      ada:expect "* bob has gone"
    end)
  end)

  it("half of it, by one who vanishes, is not said", function()
    serve({}, function(case)
      local ada, bob, eve = case:enter "ada", case:enter "bob", case:enter "eve"
      bob.stream:write "said\nnot sa"
      bob.stream:close()
      ada:expect("* bob is here", "* eve is here", "<bob> said", "* bob has gone")
    end)
  end)

  it("a client that ends its side gets the rest", function()
    serve({}, function(case)
      local ada = case:connect()
      ada:send("ada", "/who")
      ada.stream:shutdown()
      ada:expect_end(WELCOME, hello "ada", "* in lobby: ada", "* goodbye")
    end)
  end)

  it("nobody is told who comes and goes in a crowd", function()
    serve({ quiet = 2 }, function(case)
      local ada, bob, eve = case:enter "ada", case:enter "bob", case:enter "eve"
      ada:expect "* bob is here"
      eve:send "hello"
      bob:expect "<eve> hello"
      ada:expect "<eve> hello"
    end)
  end)
end)
