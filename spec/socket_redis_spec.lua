-- The client of Debian's lua-redis, unmodified, over weir.socket, with a real redis-server on a port of this host.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local socket = require "weir.socket"
local h = require "spec.helper"
local x = require "spec.uv"
local uv = luv.uv

local HOST = "127.0.0.1"
-- Debian has it for the Luas up to 5.3. It is the same file for all.
local PATH = ";/usr/share/lua/5.3/?.lua"

local function load_client()
  local path = package.path
  package.path = path .. PATH
  local ok, redis = pcall(require, "redis")
  package.path = path
  return ok and redis or nil
end

local function free_port()
  local server = luv.listen(HOST, 0)
  local _, port = server:getsockname()
  server:close()
  return port
end

local function is_up(port)
  local ok, stream = pcall(luv.connect, HOST, port)
  if not ok then return false end
  stream:write "PING\r\n"
  local answer = stream:read "l"
  stream:close()
  return answer == "+PONG\r"
end

local function start_server(dir)
  local port = free_port()
  local process = luv.spawn("redis-server", { args = {
    "--port", tostring(port), "--bind", HOST, "--save", "", "--appendonly", "no", "--dir", dir, "--loglevel", "warning",
  } })
  x.run(function()
    while not is_up(port) do weir.sleep(0.01) end
  end)
  return port, process
end

-- How many clients of the server wait for something.
local function blocked_at(client)
  return select(2, client:client("list"):gsub("cmd=blpop", ""))
end

describe("clients written for LuaSocket, unmodified: lua-redis", function()
  local redis = load_client()
  local dir, port, process, missing, loaded

  setup(function()
    missing = not redis and "lua-redis" or not os.execute "command -v redis-server >/dev/null" and "redis-server"
    if missing then return end
    loaded, package.loaded.socket = package.loaded.socket, socket
    dir = assert(uv.fs_mkdtemp "/tmp/weir-XXXXXX")
    port, process = start_server(dir)
  end)

  teardown(function()
    if missing then return end
    package.loaded.socket = loaded
    x.run(function()
      process.exited:cancel()
      weir.await(weir.settle { process.exited })
    end)
    os.remove(dir)
    x.assert_nothing_left()
    h.restore()
  end)

  -- A spec whose body runs as a coroutine; what is left of `clients` is closed behind it.
  local function spec(title, f)
    it(title, function()
      if missing then pending(missing .. " is not installed") end
      x.run(function()
        local clients = {}
        local function connect(parameters)
          local client = redis.connect(parameters or { host = HOST, port = port })
          clients[#clients + 1] = client
          return client
        end
        connect():flushall()
        f(connect)
        for _, client in ipairs(clients) do client.network.socket:close() end
      end)
      h.restore()
    end)
  end

  spec("commands, replies of every kind, and errors", function(connect)
    local client = connect()
    assert.is_true(client:ping())
    assert.is_true(client:set("key", "a value\r\nof two lines"))
    assert.equal("a value\r\nof two lines", client:get "key")
    assert.is_nil(client:get "missing")
    assert.equal(3, client:rpush("list", "a", "b", "c"))
    assert.same({ "a", "b", "c" }, client:lrange("list", 0, -1))
    local big = ("x"):rep(1000000)
    client:set("big", big)
    assert.equal(big, client:get "big")
    assert.matches("redis error: ", h.raised(client.incr, client, "key"))
    client:quit()
  end)

  spec("by a local path of names and in a url, as it connects", function(connect)
    assert.is_true(connect(("tcp://%s:%d"):format(HOST, port)):ping())
    assert.matches("host or service", h.raised(redis.connect, "no.such.host.invalid", 1))
    assert.matches("connection refused", h.raised(redis.connect, HOST, 1))
  end)

  spec("3.5 many clients at the same time: each waits for what another one sends", function(connect)
    local n = h.scale(100)
    local relay = {}
    for i = 1, n do
      local client = connect()
      relay[i] = weir.spawn(function()
        local _, value = table.unpack(client:blpop("step" .. i, 0))
        client:rpush("step" .. i + 1, tonumber(value) + 1)
      end)
    end
    local client = connect()
    client:rpush("step1", 0)
    weir.await(weir.all(relay))
    assert.equal(tostring(n), client:lpop("step" .. n + 1))
  end)

  spec("9.1 with weir.map, a few at a time", function(connect)
    local keys, pool = {}, weir.Queue()
    for i = 1, 200 do keys[i] = "key" .. i end
    for _ = 1, 5 do pool:put(connect()) end
    local lengths = weir.await(weir.map(keys, function(key)
      local client = weir.await(pool:get())
      client:set(key, key)
      local value = client:get(key)
      pool:put(client)
      return #value
    end, 5))
    for i = 1, 200 do assert.equal(#keys[i], lengths[i]) end
  end)

  spec("its own time limit", function(connect)
    local client = connect { host = HOST, port = port, timeout = 0.05 }
    assert.matches("connection error: timeout", h.raised(client.blpop, client, "nothing", 0))
  end)

  spec("3.3 a time limit of weir's: the client is closed, since its reply would be another's", function(connect)
    local client, other = connect(), connect()
    assert.equal("TimeoutError", h.raised(weir.await, weir.spawn(client.blpop, client, "list", 0), 0.02).name)
    assert.matches("closed", h.raised(client.get, client, "key"))
    repeat until blocked_at(other) == 0 -- the server has seen it too
    other:rpush("list", "x")
    assert.equal("x", other:lpop "list")
  end)

  spec("5.2 a cancel of one leaves the others alone", function(connect)
    local blocked = {}
    for i = 1, 10 do
      local client = connect()
      blocked[i] = weir.spawn(client.blpop, client, "list", 0)
    end
    local client = connect()
    for i = 1, 9 do blocked[i]:cancel() end
    repeat until blocked_at(client) == 1
    client:rpush("list", "for the last")
    assert.same({ "list", "for the last" }, weir.await(blocked[10]))
  end)

  spec("6.1 a pause holds a client, unpause lets it go on", function(connect)
    local client, other = connect(), connect()
    local waiter = weir.spawn(client.blpop, client, "list", 0)
    waiter:pause()
    other:rpush("list", "x")
    repeat until other:llen "list" == 0 -- the server has answered
    assert.equal("paused", waiter:status())
    waiter:unpause()
    assert.same({ "list", "x" }, weir.await(waiter))
  end)

  spec("messages: a loop that the client makes with coroutine.wrap, which weir.wrap stands in for", function(connect)
    local subscriber, publisher, got = connect(), connect(), {}
    local wrap = coroutine.wrap
    local listening = weir.spawn(function()
      coroutine.wrap = weir.wrap -- luacheck: ignore
      local messages = subscriber:pubsub { subscribe = { "news" } }
      coroutine.wrap = wrap -- luacheck: ignore
      for message, abort in messages do
        if message.kind == "message" then
          got[#got + 1] = message.payload
          if message.payload == "end" then abort() end
        end
      end
    end)
    repeat until publisher:publish("news", "hello") == 1
    publisher:publish("news", "end")
    weir.await(listening)
    assert.same({ "hello", "end" }, got)
  end)
end)
