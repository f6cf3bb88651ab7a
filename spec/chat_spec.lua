-- examples/chat: what it says to whom, and that it survives its clients. In one process with the clients, on a clock
-- that the spec moves.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end
package.path = "examples/?.lua;" .. package.path

local weir = require "weir"
local luv = require "weir.luv"
local Server = require "chat.server"
local options = require "chat.options"
local loop = require "weir.luv.loop"
local h = require "spec.helper"
local x = require "spec.uv"

local WELCOME = "* welcome; what is your name?"

local function hello(name) return ("* hello %s, this is the lobby; /help tells what you can do"):format(name) end

-- Lets libuv look at everything so often, without any time of weir's.
local function turns(n)
  for _ = 1, n do weir.await(loop.polled()) end
end

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
  client.stream.handle:nodelay(true)
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

describe("examples/chat, who is silent:", function()
  after_each(tidy)

  it("is told so, and goes; every line counts as a sign of life", function()
    serve({ idle = 60 }, function(case, clock)
      local ada, bob = case:enter "ada", case:enter "bob"
      clock:advance(59)
      ada:sync()
      clock:advance(0.9)
      bob:sync()
      clock:advance(59.2)
      ada:expect_end("* you have been silent for too long")
      bob:expect "* ada has gone"
    end)
  end)

  it("half a line is no sign of life", function()
    serve({ idle = 60 }, function(case, clock)
      local ada = case:enter "ada"
      clock:advance(59)
      ada.stream:write "half"
      turns(10)
      clock:advance(1)
      ada:expect_end("* you have been silent for too long")
    end)
  end)

  it("about the name, has less time, whatever else is said", function()
    serve({ idle = 60, login = 10 }, function(case, clock)
      local client = case:connect()
      client:expect(WELCOME)
      for _ = 1, 3 do
        clock:advance(3)
        client:send "?"
        client:expect "* up to 16 letters, digits, _ and -, a letter first; what is your name?"
      end
      clock:advance(1)
      client:expect_end("* you have been silent for too long")
    end)
  end)
end)

-- Those three; bob does not read for a while, and keeps little of what comes.
local function enter_three(case)
  local ada, eve = case:enter "ada", case:enter "eve"
  local bob = case:connect { limit = 1000 }
  bob.stream.handle:recv_buffer_size(65536)
  bob:expect(WELCOME)
  bob:send "bob"
  bob:expect(hello "bob")
  ada:expect("* eve is here", "* bob is here")
  eve:expect "* bob is here"
  return ada, bob, eve
end

-- ada speaks until what the system has for bob is full, and then fills a queue of 8, so that she is held up. Returns
-- how many lines that were.
local function stall(case, ada, eve, line)
  local outbox, said = case.house:guest("bob").outbox, 8
  repeat
    ada:send(line)
    ada:sync()
    eve:expect("<ada> " .. line)
    said = said + 1
  until #outbox.queue > 0
  for _ = 1, 8 do ada:send(line) end -- one more than there is room for
  for _ = 1, 8 do eve:expect("<ada> " .. line) end
  assert.equal(8, #outbox.queue)
  return said
end

describe("examples/chat, who reads slowly:", function()
  after_each(tidy)

  local LINE = ("x"):rep(300)

  it("holds up who speaks for so long, and is dropped then; nobody else loses anything", function()
    serve({ queue = 8, patience = 3 }, function(case, clock)
      local ada, bob, eve = enter_three(case)
      stall(case, ada, eve, LINE)
      local queue = case.house:guest("bob").outbox.queue
      ada:send "/who"
      clock:advance(2.9)
      eve:sync()
      assert.equal("bob", case.house:guest("bob").name)
      clock:advance(0.2)
      ada:expect("* bob has gone", "* in lobby: ada, eve")
      eve:expect "* bob has gone"
      assert.equal(0, #queue)
      assert.is_true(case.house.count == 3) -- there is still time to say why
      clock:advance(2)
      eve:sync()
      assert.equal(2, case.house.count)
      assert.equal("bob: out, you read too slowly", case.log[#case.log])
      bob.stream:close()
    end)
  end)

  it("is told why if it reads then, and gets whole lines", function()
    serve({ queue = 8, patience = 3 }, function(case, clock)
      local ada, bob, eve = enter_three(case)
      stall(case, ada, eve, LINE)
      clock:advance(3)
      ada:expect "* bob has gone"
      local lines = {}
      for line in bob.stream:lines() do lines[#lines + 1] = line end
      assert.equal("* you read too slowly", table.remove(lines))
      for _, line in ipairs(lines) do assert.equal("<ada> " .. LINE, line) end
    end)
  end)

  it("and reads again in time, gets all of it", function()
    serve({ queue = 8, patience = 3 }, function(case, clock)
      local ada, bob, eve = enter_three(case)
      local said = stall(case, ada, eve, LINE)
      for _ = 1, 100 do ada:send(LINE) end
      clock:advance(2.9)
      for _ = 1, said + 100 do bob:expect("<ada> " .. LINE) end
      clock:advance(1)
      bob:sync()
    end)
  end)
end)

describe("examples/chat, who speaks fast:", function()
  after_each(tidy)

  it("is not listened to faster than that", function()
    serve({ rate = 10, burst = 5 }, function(case, clock)
      local ada, bob = case:enter "ada", case:enter "bob" -- one line each
      clock:advance(10)
      for i = 1, 8 do ada:send(tostring(i)) end
      for i = 1, 5 do bob:expect("<ada> " .. i) end
      bob:send "/rooms"
      bob:expect "* rooms: lobby (2)"
      clock:advance(0.1)
      bob:expect "<ada> 6"
      clock:advance(0.2)
      bob:expect("<ada> 7", "<ada> 8")
    end)
  end)
end)

describe("examples/chat, the end:", function()
  after_each(tidy)

  it("5.5 by one cancel: all are told, who has closed has gone at once, the others after a while", function()
    serve({ farewell = 2 }, function(case, clock)
      local ada, bob, eve = case:enter "ada", case:enter "bob", case:connect()
      ada:expect "* bob is here"
      eve:expect(WELCOME)
      bob:send "last"
      ada:expect "<bob> last"
      case.task:cancel "goodbye: the house closes"
      assert.equal("ECONNREFUSED", h.raised(luv.connect, case.host, case.port).code)
      for _, client in ipairs { ada, bob, eve } do client:expect "* goodbye: the house closes" end
      assert.is_nil(ada.stream:read())
      ada.stream:close()
      turns(10)
      assert.same({ 2, "waiting" }, { case.house.count, case.task:status() })
      clock:advance(2)
      turns(3)
      assert.same({ 0, "cancelled" }, { case.house.count, case.task:status() })
      assert.is_nil(bob.stream:read())
    end)
  end)

  it("5.6 one who does not read cannot put it off", function()
    serve({ queue = 8, farewell = 2 }, function(case, clock)
      local ada, _, eve = enter_three(case)
      stall(case, ada, eve, ("x"):rep(300))
      case.task:cancel "goodbye"
      turns(3)
      clock:advance(2)
      turns(3)
      assert.same({ 0, "cancelled" }, { case.house.count, case.task:status() })
    end)
  end)

  it("5.6 and if all else hangs the grace time does it", function()
    serve({ farewell = 1000 }, function(case, clock)
      local ada = case:enter "ada"
      case.task:cancel("goodbye", 3)
      turns(3)
      clock:advance(2.9)
      assert.same({ 1, "waiting" }, { case.house.count, case.task:status() })
      clock:advance(0.2)
      assert.same({ 0, "cancelled" }, { case.house.count, case.task:status() })
      ada:expect_end "* goodbye"
    end)
  end)
end)
