-- Contract 9.3, with 5 and 6: random schedules of Lock, Semaphore, Queue and Barrier. Whatever is cancelled, timed
-- out, held or closed, and whenever: nothing is lost or doubled, lines are fair, and nobody waits who could go.
--
-- WEIR_SCHEDULE='lock 17' plays that one schedule; WEIR_SEED=1000000 begins at another seed than 1.
local weir = require "weir"
local h = require "spec.helper"
local schedule = require "spec.schedule"

local FIRST = math.tointeger(tonumber(os.getenv("WEIR_SEED") or 1))

-- ---- Lock and Semaphore ----

local permits = { fair = true, lines = { "acquire" } }

local function take(world, name)
  world.out = world.out + 1
  world:note("%s has it, %d out", name, world.out)
  if world.out > world.n then world:violate("%d of %d permits are out", world.out, world.n) end
end

local function give_back(world, by_hand)
  world.out = world.out - 1
  if by_hand then world.o:release() end
end

local function host_gives_back(world)
  world.alive = world.alive - 1
  give_back(world, true)
end

-- The host holds it for no time, for a while, or until it moves.
local function host_takes(world)
  world.alive = world.alive + 1
  if world.calm or world:chance(40) then
    host_gives_back(world)
  elseif world:chance(50) then
    world.clock:after(world.random(3)):add_callback(function() host_gives_back(world) end)
  else
    world.holders = world.holders + 1
  end
end

function permits.served(world, wait, got)
  if got ~= world.o then world:violate("acquire gave %s", tostring(got)) end
  take(world, wait.name)
  if world:chance(15) then world:meddle() end
  if not wait.actor then host_takes(world) end
end

permits.failed = h.ignore

local function hold(world, by_hand)
  local _ <close> = setmetatable({}, { __close = function() give_back(world, by_hand) end })
  world:linger()
end

local function acquire(world) return function() return world.o:acquire() end end

-- With run the moment of the grant is not seen from outside: only what is held is counted then.
local function run(world, actor)
  world.uses_run = true
  world:await_somehow(world:count_while_alive(world.o:run(function()
    take(world, "run of actor " .. actor.id)
    hold(world, false)
  end)))
end

function permits.act(world, actor)
  if world.may_run and world:chance(50) then return run(world, actor) end
  world:await(world:begin("acquire", actor, acquire(world)))
  hold(world, true)
  if world:chance(50) then world:meddle() end -- those who were just served have not run yet
end

function permits.host(world)
  if world.holders > 0 and world:chance(50) then
    world.holders = world.holders - 1
    host_gives_back(world)
  else
    world:begin_raw("acquire", acquire(world))
  end
end

function permits.check(world)
  local wait = not world.uses_run and world.out < world.n and world:free_one("acquire")
  if wait then world:violate("%s could go: %d of %d out", wait.name, world.out, world.n) end
end

function permits.relieve(world)
  for _ = 1, world.holders do host_gives_back(world) end
end

function permits.finish(world)
  for i = 1, world.n do
    if world.o:acquire():status() ~= "success" then world:violate("only %d of %d came back", i - 1, world.n) end
  end
  if world.o:acquire():status() ~= "pending" then world:violate("more than %d came back", world.n) end
end

local function kind_of(base, name, new)
  return setmetatable({ name = name, new = new }, { __index = base })
end

local function new_permits(world, o, n)
  world.o, world.n, world.out, world.holders = o, n, 0, 0
  world.may_run = world:chance(25)
end

local lock = kind_of(permits, "lock", function(world) new_permits(world, weir.Lock(), 1) end)

local semaphore = kind_of(permits, "semaphore", function(world)
  local n = world.random(4)
  new_permits(world, weir.Semaphore(n), n)
end)

-- ---- Queue ----
-- The item that a put brings is the table of that wait.

local queue = { name = "queue", fair = true, lines = { "put", "get" } }

function queue.new(world)
  world.size = world:pick { 0, 1, 2, 3, math.huge }
  world.o = weir.Queue(math.tointeger(world.size))
  world.puts, world.last_got = {}, 0
end

local function receive(world, item)
  world:note("%s has come out", item.name)
  if item.got then world:violate("%s came out twice", item.name) end
  if item.left or item.doomed or item.failed then world:violate("%s came out though it had left", item.name) end
  item.got = true
end

-- In the order in which they went in, where that is the order in which they were put: behind item number `last`.
local function receive_in_turn(world, item, last)
  receive(world, item)
  if item.was_held then return end
  if item.id < last then world:violate("%s came out too late", item.name) end
  world.last_got = math.max(world.last_got, item.id)
end

local function put(world)
  return function(wait)
    table.insert(world.puts, wait)
    wait.too_late = world.closed
    return world.o:put(wait)
  end
end

local function get(world)
  return function(wait)
    wait.last = world.last_got
    return world.o:get()
  end
end

function queue.served(world, wait, item)
  if wait.too_late then world:violate("%s went in though it is closed", wait.name) end
  if wait.line == "get" then
    wait.item = item
    receive_in_turn(world, item, wait.begun and world.last_got or wait.last) -- else it was served in between
  end
  if world:chance(15) then world:meddle() end
  if wait.actor or world.calm then return end
  if world:chance(20) then world:begin_raw("put", put(world)) end
end

function queue.failed(_, wait) wait.failed = true end

-- What has come for an iterator is not seen before it runs: by force it would be lost, and may be.
local function iterate(world, actor)
  actor.never_closed = true
  for item in world.o:iter() do
    receive(world, item)
    world:linger()
    if world:chance(40) then break end
  end
end

function queue.act(world, actor)
  local what = world.random(10)
  if what <= 2 then return iterate(world, actor) end
  if what <= 6 then
    world:await(world:begin("put", actor, put(world)))
  else
    local wait = world:begin("get", actor, get(world))
    local item = world:await(wait)
    if item ~= wait.item then world:violate("%s got another item than it was served", wait.name) end
  end
  world:linger()
end

local function close(world)
  world:note("close")
  world.closed = true
  world.o:close()
end

function queue.host(world)
  if world:chance(4) then return close(world) end
  local make = world:pick { put, get }
  world:begin_raw(make == put and "put" or "get", make(world))
end

function queue.check(world)
  local n, getting, putting = #world.o, world:free_one("get"), world:free_one("put")
  local function refuse(wait, reason) world:violate("%s could go: %s", wait.name, reason) end
  if n > world.size then world:violate("%d items in a queue of %d", n, world.size) end
  if world.closed and (getting or putting) then refuse(getting or putting, "it is closed") end
  if getting and n > 0 then refuse(getting, n .. " items are in") end
  if putting and n < world.size then refuse(putting, "there is room") end
  if putting and getting then refuse(putting, getting.name .. " waits for it") end
end

function queue.relieve(world) close(world) end

function queue.finish(world)
  for _ = 1, #world.o do receive_in_turn(world, world.o:get():result(), world.last_got) end
  for _, wait in ipairs(world.puts) do
    if wait.served and not wait.got then world:violate("%s was lost", wait.name) end
    if wait.got and not wait.served then world:violate("%s came out and its put failed", wait.name) end
  end
end

-- ---- Barrier ----
-- `round` has those who wait; when it is full each knows the number to expect.

local barrier = { name = "barrier", lines = { "wait" } }

function barrier.new(world)
  world.n, world.round, world.releasing = world.random(4), {}, 0
  world.o = weir.Barrier(world.n)
end

function barrier.is_decided(wait) return wait.expected ~= nil end

local function arrive(world)
  return function(wait)
    local round = world.round
    round[#round + 1] = wait
    if #round == world.n then
      world.round = {}
      for i, each in ipairs(round) do each.expected = i end
    end
    world.releasing = world.releasing + 1
    local d = world.o:wait()
    world.releasing = world.releasing - 1
    return d
  end
end

function barrier.served(world, wait, number)
  if number ~= wait.expected then
    world:violate("%s got number %s, not %s", wait.name, tostring(number), tostring(wait.expected))
  end
  if world:chance(15) then world:meddle() end
  if wait.actor or world.calm then return end
  if world:chance(20) then world:begin_raw("wait", arrive(world)) end
end

function barrier.failed(world, wait)
  for i, each in ipairs(world.round) do
    if each == wait then table.remove(world.round, i) end
  end
  if wait.expected and world.releasing == 0 then world:violate("%s failed, number and all", wait.name) end
end

function barrier.act(world, actor)
  if world.leaving then return end
  world:await(world:begin("wait", actor, arrive(world)))
  world:linger()
end

function barrier.host(world) world:begin_raw("wait", arrive(world)) end

function barrier.check(world)
  for _, wait in ipairs(world.lines.wait) do
    if wait.expected and schedule.is_free(wait) then
      world:violate("%s has not been told its number", wait.name)
    end
  end
end

function barrier.relieve(world)
  world.leaving = true
  local waits = table.move(world.lines.wait, 1, #world.lines.wait, 1, {})
  if #waits >= world.n then world:violate("%d wait at a barrier of %d", #waits, world.n) end
  for _, wait in ipairs(waits) do wait.d:cancel() end
end

function barrier.finish(world)
  for i = 1, world.n - 1 do
    if world.o:wait():status() ~= "pending" then world:violate("released by %d", i) end
  end
  if world.o:wait():result() ~= world.n then world:violate("the last round is not of %d", world.n) end
end

-- ---- The specs ----

local function play(kind, count)
  local name, seed = (os.getenv("WEIR_SCHEDULE") or ""):match("^(%a+) (%d+)$")
  seed = math.tointeger(tonumber(seed))
  if not name then
    schedule.play_all(kind, FIRST, FIRST + h.scale(count) - 1)
  elseif name == kind.name then
    schedule.play_all(kind, seed, seed)
  end
end

describe("Schedules", function()
  local grace
  before_each(function()
    h.manual()
    h.unhandled()
    grace = weir.grace(math.huge)
  end)
  after_each(function()
    weir.grace(grace)
    h.restore()
  end)

  for _, case in ipairs { { lock, 6000 }, { semaphore, 4000 }, { queue, 6000 }, { barrier, 4000 } } do
    local kind, count = table.unpack(case)
    it(("9.3 %s: %d of them lose nothing, double nothing and are fair"):format(kind.name, h.scale(count)), function()
      play(kind, count)
    end)
  end
end)
