-- examples/chat: what it says to whom, and that it survives its clients. In one process with the clients, on a clock
-- that the spec moves.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end
package.path = "examples/?.lua;" .. package.path

local core = require "weir.core".functions
local weir = require "weir"
local luv = require "weir.luv"
local Server = require "chat.server"
local options = require "chat.options"
local loop = require "weir.luv.loop"
local h = require "spec.helper"
local process = require "spec.process"
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

function Case:__close()
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
    do
      local _ <close> = case
      f(case, clock)
    end
    assert.equal("cancelled", case.task:status())
    assert.same({ 0, nil, nil }, { server.house.count, next(server.house.guests), next(server.house.rooms) })
  end)
  h.collect()
  x.rounds(2)
  local first = unhandled[1]
  assert.equal("", first and ("%s %s %s"):format(first.err, first.d, first.traceback) or "")
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
      case:enter "eve"
      ada:expect "* eve is here"
    end)
  end)
end)

describe("examples/chat, an error in it:", function()
  after_each(tidy)

  it("ends one connection, is noted, and disturbs nobody else", function()
    serve({}, function(case)
      local ada, bob = case:enter "ada", case:enter "bob"
      function case.house.list_rooms() error("oops", 0) end
      bob:send "/rooms"
      bob:expect_end "* something went wrong here"
      assert.equal("bob: out, oops", case.log[#case.log])
      ada:expect("* bob is here", "* bob has gone")
      ada:send "/who"
      ada:expect "* in lobby: ada"
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
      ada:send("a\27[2Jb\0c\127\u{9b}d\t\r", "gr\u{fc}n \u{1F600}", "\r", " \27 ")
      ada:send("\xff\xfb", "\u{d7ff}\xed\xa0\x80", "end")
      bob:expect("<ada> a [2Jb c  d", "<ada> gr\u{fc}n \u{1F600}", "<ada> end")
      local complaint = "* that was no UTF-8, and nobody has seen it"
      ada:expect(complaint, complaint)
    end)
  end)

  it("is not too long; and who does not end a line is not listened to any more", function()
    serve({}, function(case)
      local ada, bob = case:enter "ada", case:enter "bob"
      bob:send(("x"):rep(399), ("x"):rep(400), ("y"):rep(4000))
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
      local ada, bob = case:enter "ada", case:enter "bob"
      bob.stream:write "said\nnot sa"
      bob.stream:close()
      ada:expect("* bob is here", "<bob> said", "* bob has gone")
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

-- What the system does by itself, such as to tell the other side that there is room, has been done by then.
local function let_system_settle()
  local done, timer = weir.Deferred(), luv.uv.new_timer()
  timer:start(250, 0, function()
    timer:close()
    done:callback()
  end)
  weir.await(done)
end

-- ada speaks until what the system has for bob is full, and then his queue, so that she is held up. Returns how many
-- lines that were.
local function stall(case, ada, eve, line)
  local outbox, said = case.house:guest("bob").outbox, 0
  repeat
    ada:send(line)
    eve:expect("<ada> " .. line)
    said = said + 1
    if outbox.alarm then let_system_settle() end
  until outbox.alarm
  assert.equal(8, #outbox.queue)
  return said
end

local function weak_of(session)
  return setmetatable({ [session] = true, [session.outbox] = true }, { __mode = "k" })
end

describe("examples/chat, who reads slowly:", function()
  after_each(tidy)

  local LINE = ("x"):rep(300)

  it("holds up who speaks for so long, and is dropped then; nobody else loses anything", function()
    serve({ queue = 8, patience = 3, farewell = 10 }, function(case, clock)
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
      clock:advance(9.8)
      eve:sync()
      assert.equal(3, case.house.count) -- there is still time to say why
      local other = case:enter "bob"
      clock:advance(0.2)
      other:send "/who"
      other:expect "* in lobby: ada, eve, bob"
      assert.equal(3, case.house.count)
      assert.equal("bob", case.house:guest("bob").name)
      assert.matches("\nbob: out, you read too slowly\n", table.concat(case.log, "\n"))
      bob.stream:close()
    end)
  end)

  it("and vanishes, holds up nobody, and nothing of it is kept", function()
    serve({ queue = 8, patience = 3 }, function(case)
      local ada, bob, eve = enter_three(case)
      local weak = weak_of(case.house:guest "bob")
      stall(case, ada, eve, LINE)
      bob.stream.handle:close_reset()
      bob.stream:close()
      ada:expect "* bob has gone"
      ada:sync()
      turns(3)
      assert.is_true(h.released(weak))
    end)
  end)

  it("is told why if it reads then, and gets whole lines", function()
    serve({ queue = 8, patience = 3 }, function(case, clock)
      local ada, bob, eve = enter_three(case)
      stall(case, ada, eve, LINE)
      eve:send "/msg bob psst"
      turns(10)
      clock:advance(3)
      ada:expect "* bob has gone"
      eve:expect "* bob has gone"
      eve:sync()
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

  it("5.7 a session that is closed by force leaves everything", function()
    local started = setmetatable({}, { __mode = "k" })
    local old = core.track(started)
    serve({}, function(case)
      local ada, bob = case:enter "ada", case:enter "bob"
      ada:expect "* bob is here"
      for co in pairs(started) do
        if tostring(co):find "'session'" then co:close() end
      end
      ada:expect_end()
      bob:expect_end()
      assert.same({ 0, nil, nil }, { case.house.count, next(case.house.guests), next(case.house.rooms) })
      case:enter("ada"):send "/quit"
    end)
    core.track(old)
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

describe("examples/chat, the game:", function()
  after_each(tidy)

  -- ada and bob play; returns them and the game.
  local function start(case)
    local ada, bob = case:enter "ada", case:enter "bob"
    ada:send "/play"
    ada:expect("* bob is here", "* a game of anagrams, 5 rounds: say the word that these letters make")
    bob:expect("* a game of anagrams, 5 rounds: say the word that these letters make")
    return ada, bob, case.house.rooms.lobby.game
  end

  local function sorted(text)
    local letters = { text:byte(1, -1) }
    table.sort(letters)
    return string.char(table.unpack(letters))
  end

  -- Both are shown the letters of the word, in another order.
  local function expect_round(number, game, ...)
    for _, client in ipairs { ... } do
      local letters = client.stream:read("l"):match("^%* round " .. number .. " of 5: (%l+)$")
      assert.equal(sorted(game.word), sorted(letters))
      assert.not_equal(game.word, letters)
    end
  end

  it("who says the word first has a point; five rounds, and the score", function()
    serve({}, function(case, clock)
      local ada, bob, game = start(case)
      for number = 1, 5 do
        expect_round(number, game, ada, bob)
        local winner, other, name = ada, bob, "ada"
        if number == 3 then winner, other, name = bob, ada, "bob" end
        winner:send("perhaps", game.word:upper())
        other:expect(("<%s> perhaps"):format(name), ("<%s> %s"):format(name, game.word:upper()))
        for _, client in ipairs { ada, bob } do client:expect(("* %s has it: %s"):format(name, game.word)) end
        if number == 5 then break end
        other:send(game.word) -- too late
        winner:expect(("<%s> %s"):format(other == ada and "ada" or "bob", game.word))
        clock:advance(3)
      end
      ada:expect "* the game is over: ada 4, bob 1"
      bob:expect "* the game is over: ada 4, bob 1"
      assert.is_nil(case.house.rooms.lobby.game)
    end)
  end)

  it("gives hints, and ends a round, by the clock", function()
    serve({}, function(case, clock)
      local ada, bob, game = start(case)
      for number = 1, 5 do
        expect_round(number, game, ada, bob)
        for n = 1, 2 do
          clock:advance(9.9)
          ada:sync()
          clock:advance(0.1)
          ada:expect(("* hint: %s..."):format(game.word:sub(1, n)))
        end
        clock:advance(10)
        ada:expect("* time is up: " .. game.word)
        for _ = 1, 3 do bob.stream:read "l" end
        clock:advance(3)
      end
      ada:expect "* the game is over: nobody has a point"
    end)
  end)

  it("6.2 a pause stops all its time, and nobody can win", function()
    serve({}, function(case, clock)
      local ada, bob, game = start(case)
      expect_round(1, game, ada, bob)
      clock:advance(9)
      bob:send "/pause"
      ada:expect "* bob holds the game: its time stands still"
      ada:send "/pause"
      ada:expect "* it is so already"
      clock:advance(500)
      bob:send(game.word)
      ada:expect("<bob> " .. game.word)
      ada:sync()
      ada:send "/resume"
      ada:expect "* ada lets the game go on"
      clock:advance(0.9)
      ada:sync()
      clock:advance(0.1)
      ada:expect(("* hint: %s..."):format(game.word:sub(1, 1)))
      ada:send "/resume"
      ada:expect "* it is so already"
    end)
  end)

  it("2.7 it ends after a quarter of an hour, also while it is paused", function()
    serve({ idle = math.huge }, function(case, clock)
      local ada, bob, game = start(case)
      expect_round(1, game, ada, bob)
      ada:send "/pause"
      bob:expect "* ada holds the game: its time stands still"
      clock:advance(899)
      bob:sync()
      clock:advance(1)
      bob:expect "* the game has taken too long, and is over"
      assert.is_nil(case.house.rooms.lobby.game)
    end)
  end)

  it("5.2 stopped, it leaves no timer behind; then there may be another", function()
    serve({ idle = math.huge }, function(case, clock)
      local ada, bob, game = start(case)
      expect_round(1, game, ada, bob)
      bob:send("/play", "/stop")
      bob:expect("* there is a game on", "* bob has stopped the game")
      ada:expect "* bob has stopped the game"
      assert.is_nil(case.house.rooms.lobby.game)
      bob:send "/stop"
      bob:expect "* there is no game on; /play starts one"
      clock:advance(1000)
      ada:sync()
      ada:send "/play"
      bob:expect("* a game of anagrams, 5 rounds: say the word that these letters make")
      expect_round(1, case.house.rooms.lobby.game, bob)
    end)
  end)

  it("5.2 it ends when nobody is left, and goes on while somebody is", function()
    serve({}, function(case, clock)
      local ada, bob, game = start(case)
      expect_round(1, game, ada, bob)
      ada.stream:close()
      bob:expect "* ada has gone"
      clock:advance(10)
      bob:expect(("* hint: %s..."):format(game.word:sub(1, 1)))
      bob:send "/join cellar"
      bob:expect "* in cellar: bob"
      local said = h.trace()
      game.room.announce = function(_, text) said(text) end
      clock:advance(100)
      assert.same({}, said:list())
    end)
  end)

  it("each room may have its own", function()
    serve({}, function(case)
      local ada, _, game = start(case)
      ada:send("/join cellar", "/play")
      assert.matches("^%* round 1", ada.stream:read "l")
      ada:expect("* in cellar: ada", "* a game of anagrams, 5 rounds: say the word that these letters make")
      expect_round(1, case.house.rooms.cellar.game, ada)
      assert.not_equal(game, case.house.rooms.cellar.game)
    end)
  end)
end)

-- ---- the program ----

local function environment()
  local list = { "LUA_PATH=" .. package.path, "LUA_CPATH=" .. package.cpath }
  for name, value in pairs(luv.uv.os_environ()) do
    if not name:find "^LUA_C?PATH" then list[#list + 1] = name .. "=" .. value end
  end
  return list
end

-- Runs a command of the shell, in which $LUA is the interpreter.
local function start(command)
  local list = environment()
  list[#list + 1] = "LUA=" .. process.interpreter()
  return luv.spawn("sh", { args = { "-c", command }, stdio = { nil, "pipe", "pipe" }, env = list })
end

-- Returns what it has written to standard output and standard error, and its exit status.
local function rest_of(program)
  local output, errors = program.stdout:read "a", program.stderr:read "a"
  program.stdout:close()
  program.stderr:close()
  return output, errors, (weir.await(program.exited))
end

local function start_server(arguments, before)
  local program = start(("%s exec $LUA examples/chat/main.lua --port 0 --seed 1 %s"):format(before or "", arguments))
  local host, port = program.stdout:read("l"):match "^listening on (%S+) port (%d+)$"
  return program, setmetatable({ host = host, port = math.tointeger(port), clients = {} }, { __index = Case })
end

-- The blocks of the README that begin with a line `$ nc ...`, each a list of lines.
local function sessions_in_readme()
  local file = assert(io.open "examples/chat/README.md")
  local text, list = file:read "a", {}
  file:close()
  for block in text:gmatch "```text\n%$ nc [^\n]*\n(.-)```" do
    list[#list + 1] = {}
    for line in block:gmatch "[^\n]+" do table.insert(list[#list], line) end
  end
  return list
end

-- A line that begins with `*` or `<` comes from the server, others are typed. `on_line` is called before each.
local function play(case, lines, on_line)
  local client = case:connect()
  for _, line in ipairs(lines) do
    on_line(line)
    if line:find "^[*<]" then
      client:expect(line)
    else
      client:send(line)
    end
  end
  client:expect_end()
end

describe("examples/chat, the program:", function()
  after_each(tidy)

  it("does what its README shows, and ends on SIGTERM", function()
    x.run(function()
      local program, case = start_server ""
      local ada, bob = table.unpack(sessions_in_readme())
      local other
      local first = weir.spawn(play, case, ada, function(line)
        if line:find "bob" and not other then other = weir.spawn(play, case, bob, h.ignore) end
      end)
      weir.await(first)
      weir.await(other)
      assert.is_true(program:kill "sigterm")
      local output, errors, status = rest_of(program)
      assert.same({ "", 0 }, { errors, status })
      local _, count = output:gsub("[^\n]+: in, from 127.0.0.1:%d+\n", "")
      assert.equal(2, count)
    end)
  end)

  for _, signal in ipairs { "sigint", "sigterm" } do
    it("5.5 tells all when it gets " .. signal .. ", and ends when they have closed", function()
      x.run(function()
        local program, case = start_server "--farewell 1000"
        local ada = case:enter "ada"
        program:kill(signal)
        ada:expect_end "* goodbye: the house closes"
        local output, errors, status = rest_of(program)
        assert.same({ "", 0 }, { errors, status })
        assert.matches("ada: out, goodbye: the house closes\n$", output)
      end)
    end)
  end

  it("5.7 a second signal ends it at once", function()
    x.run(function()
      local program, case = start_server "--farewell 1000"
      local ada = case:enter "ada"
      program:kill "sigterm"
      ada:expect "* goodbye: the house closes"
      program:kill "sigterm"
      local _, errors, status = rest_of(program)
      assert.same({ "", 0 }, { errors, status })
      assert.is_nil(ada.stream:read())
      ada.stream:close()
    end)
  end)

  it("says in a line why it cannot listen, or what is wrong with an option", function()
    x.run(function()
      local server <close> = luv.listen("127.0.0.1", 0)
      local _, port = server:getsockname()
      local function assert_fails(arguments, text, code)
        local output, errors, status = rest_of(start("exec $LUA examples/chat/main.lua " .. arguments))
        assert.same({ "", "chat: " .. text .. "\n", code }, { output, errors, status })
      end
      assert_fails("--port " .. port,
        ("cannot listen on 127.0.0.1 port %d: LuvError: EADDRINUSE: address already in use"):format(port), 1)
      assert_fails("--host 192.0.2.1",
        "cannot listen on 192.0.2.1 port 4000: LuvError: EADDRNOTAVAIL: address not available", 1)
      assert_fails("--port", "--port: a value is missing", 2)
      assert_fails("--ports 1", "--ports: no such option", 2)
      assert_fails("port 1", "port: no such option", 2)
      assert_fails("--idle -1", "--idle: -1 is no good", 2)
      assert_fails("--most 1.5", "--most: 1.5 is no good", 2)
      assert_fails("--queue many", "--queue: many is no good", 2)
    end)
  end)

  it("stands it when no more files can be opened", function()
    x.run(function()
      local program, case = start_server("", "ulimit -n 40;")
      local function is_served(client)
        local ok, line = pcall(client.stream.read, client.stream, "l")
        return ok and line == WELCOME
      end
      local served = 0
      for _ = 1, 60 do case:connect() end
      for _, client in ipairs(case.clients) do served = served + (is_served(client) and 1 or 0) end
      assert(served > 10 and served < 40, served)
      for _, client in ipairs(case.clients) do client.stream:close() end
      repeat
        local client = case:connect() -- it may not know yet that the others have gone
        local ok = is_served(client)
        client.stream:close()
      until ok
      program:kill "sigterm"
      local _, errors, status = rest_of(program)
      assert.same({ "", 0 }, { errors, status })
    end)
  end)
end)

-- How many files a process may open that asks for as many as it can get.
local RAISE = "ulimit -n $(ulimit -Hn) 2>/dev/null;"
local NEEDED = 100 -- beside the connections

local function most_files()
  local program = start(RAISE .. "ulimit -n")
  local output = rest_of(program)
  return tonumber(output) or math.huge -- "unlimited"
end

describe("examples/chat, many:", function()
  after_each(tidy)

  it("nothing is left of 2,000 connections whose clients vanish in every way there is", function()
    x.run(function()
      local wanted = h.scale(2000)
      local count = math.min(wanted, most_files() - NEEDED)
      if count < wanted then io.stderr:write(("chat: %d connections, no more files can be opened\n"):format(count)) end
      local seed = tonumber(os.getenv "SEED") or 1
      local siege = start(("%s exec $LUA spec/chat/siege.lua %d %d"):format(RAISE, count, seed))
      local output, errors, status = rest_of(siege)
      assert.same({ "", 0 }, { errors, status })
      assert.matches("\nnothing is left\n$", output)
    end)
  end)
end)
