-- examples/workers: jobs over Redis Streams, with a real redis-server, real worker processes, and real kills.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.uv"
local new_field = require "spec.workers"

package.path = package.path .. ";examples/?.lua"
local has_client = pcall(require, "workers.client")
local has_server = os.execute "command -v redis-server >/dev/null"
local missing = not has_client and "lua-redis" or not has_server and "redis-server"
if missing then return pending(missing .. " is not installed") end

local Batch = require "workers.batch"
local Connection = require "workers.connection"
local backoff = require "workers.backoff"
local feed = require "workers.feed"
local new_server = require "workers.server"
local options = require "workers.options"

local MOST = 1000

local server

-- A spec whose body runs as a coroutine, with a queue of its own.
local function spec(title, f)
  it(title, function()
    x.run(function()
      local field <close> = new_field(server)
      f(field, field.queue)
    end)
  end)
end

local function jobs_of(...)
  local jobs = {}
  for i, id in ipairs { ... } do jobs[i] = { id = id, kind = "mark" } end
  return jobs
end

local function ids_of(items)
  local ids = {}
  for i, item in ipairs(items) do ids[i] = item.id end
  return ids
end

-- What a worker would read, without waiting.
local function read(queue, worker, n)
  local connection = queue:connection(1)
  local items = queue:read(connection, worker, n or 10, 0.001)
  connection:close()
  return items
end

-- What it would claim from others, however short they have had it.
local function claim(queue, worker, seconds)
  local connection = queue:connection(1)
  local items = queue:claim(connection, worker, 10, seconds or 0, "0-0")
  connection:close()
  return items
end

-- Adds a job and reads it.
local function take(queue, worker, id, more)
  local job = { id = id, kind = "mark" }
  for name, value in pairs(more or {}) do job[name] = value end
  queue:add({ job }, MOST)
  return read(queue, worker)[1]
end

local function begin(queue, worker, item)
  return queue:begin(worker, { item })[1]
end

local function finish(queue, worker, item, outcome, text, pause)
  return queue:finish(worker, { { entry = item.entry, id = item.id, outcome = outcome, text = text or "",
    pause = pause or 0 } })[1]
end

local function assert_empty(queue)
  local status = queue:status()
  assert.same({ 0, 0, 0 }, { status.queued, status.held, status.delayed })
end

describe("workers", function()
  setup(function()
    x.run(function() server = new_server(false) end)
  end)

  teardown(function()
    x.run(function() server:stop() end)
    x.assert_nothing_left()
    h.restore()
  end)

  describe("adding:", function()
    spec("a job is added once, however often a producer asks", function(_, queue)
      assert.equal(2, queue:add(jobs_of("a", "b"), MOST))
      assert.equal(3, queue:add(jobs_of("a", "b", "c"), MOST))
      assert.same({ "a", "b", "c" }, ids_of(read(queue, "w")))
    end)

    spec("once also behind its end", function(_, queue)
      local item = take(queue, "w", "a")
      begin(queue, "w", item)
      finish(queue, "w", item, "done")
      assert.equal(1, queue:add(jobs_of "a", MOST))
      assert_empty(queue)
    end)

    spec("there is room for so many, those with a pause included", function(_, queue)
      assert.equal(3, queue:add(jobs_of("a", "b", "c", "d"), 3))
      local items = read(queue, "w")
      begin(queue, "w", items[1])
      finish(queue, "w", items[1], "failed", "no", 3600)
      assert.equal(0, queue:add(jobs_of "d", 3))
      begin(queue, "w", items[2])
      finish(queue, "w", items[2], "done")
      assert.equal(1, queue:add(jobs_of("d", "e"), 3))
    end)

    spec("a producer waits while there is no room, and all come in their order", function(_, queue)
      local n, added, i = h.scale(1000), {}, 0
      local function jobs()
        i = i + 1
        return i <= n and { id = tostring(i), kind = "mark" } or nil
      end
      local feeding = weir.spawn(feed, queue, jobs, 7, function(job) added[#added + 1] = job.id end)
      local done = {}
      while #done < n do
        assert.is_true(queue:status().queued <= 7)
        for _, item in ipairs(read(queue, "w")) do
          begin(queue, "w", item)
          finish(queue, "w", item, "done")
          done[#done + 1] = item.id
        end
      end
      weir.await(feeding)
      assert.same(added, done)
      assert.equal(tostring(n), done[n])
    end)
  end)

  describe("attempts:", function()
    spec("what has come of it is kept", function(_, queue)
      local item = take(queue, "w", "a", { args = "x\r\ny", limit = 1.5 })
      assert.same({ "run", "mark", "x\r\ny", 1, "1.5" }, begin(queue, "w", item))
      assert.equal("running", queue:job("a").state)
      assert.equal("done", finish(queue, "w", item, "done", "result"))
      local job = queue:job "a"
      assert.same({ "done", "result", "w" }, { job.state, job.result, job.worker })
      assert_empty(queue)
    end)

    spec("one whose answer got lost is the same when it is asked for again", function(_, queue)
      local item = take(queue, "w", "a")
      local answer = begin(queue, "w", item)
      assert.same(answer, begin(queue, "w", item))
      finish(queue, "w", item, "done", "first")
      assert.equal("done", finish(queue, "w", item, "done", "second"))
      assert.equal("first", queue:job("a").result)
      assert.equal(1, queue:status().count.done)
    end)

    spec("who has lost a job can neither begin nor end it", function(_, queue)
      local item = take(queue, "a", "job")
      begin(queue, "a", item)
      assert.same({ "job" }, ids_of(claim(queue, "b")))
      assert.same({ "lost" }, begin(queue, "a", item))
      assert.equal("lost", finish(queue, "a", item, "done", "of a"))
      assert.same({ { item.entry, "lost" } }, queue:renew("a", { item }))
      assert.equal(2, begin(queue, "b", item)[4])
      assert.equal("lost", finish(queue, "a", item, "done", "of a"))
      assert.equal("done", finish(queue, "b", item, "done", "of b"))
      assert.equal("lost", finish(queue, "a", item, "done", "of a"))
      assert.equal("of b", queue:job("job").result)
      assert.equal(1, queue:status().count.claimed)
    end)

    spec("what has been renewed is not claimed", function(_, queue)
      local old, renewed = take(queue, "a", "old"), take(queue, "a", "renewed")
      weir.sleep(1)
      assert.same({}, queue:renew("a", { renewed }))
      assert.same({ old.id }, ids_of(claim(queue, "b", 0.9)))
    end)

    spec("behind a failure there is a pause, and who has the shorter one is first", function(_, queue)
      for _, id in ipairs { "a", "b", "c", "d" } do take(queue, "w", id) end
      local items = claim(queue, "w")
      for _, item in ipairs(items) do begin(queue, "w", item) end
      assert.equal("delayed", finish(queue, "w", items[1], "failed", "no", 0.03))
      finish(queue, "w", items[2], "failed", "no", 0.01)
      finish(queue, "w", items[3], "failed", "no", 3600)
      finish(queue, "w", items[4], "failed", "no", 0.02)
      local left
      repeat
        weir.sleep(0.01)
        left = queue:promote()
      until left > 1000
      assert.is_true(left <= 3600)
      assert.same({ "b", "d", "a" }, ids_of(read(queue, "w")))
      assert.same({ "delayed", "1", "no" }, { queue:job("c").state, queue:job("c").attempt, queue:job("c").error })
    end)

    spec("with so many failures it is a dead letter, until it is tried anew", function(_, queue)
      local item = take(queue, "w", "a", { tries = 2 })
      begin(queue, "w", item)
      finish(queue, "w", item, "failed", "first", 0)
      queue:promote()
      item = read(queue, "w")[1]
      begin(queue, "w", item)
      assert.equal("dead", finish(queue, "w", item, "failed", "second", 0))
      assert.same({ "a" }, queue:dead())
      assert.equal("second", queue:job("a").error)
      assert_empty(queue)

      assert.is_true(queue:revive "a")
      assert.is_false(queue:revive "a")
      assert.same({}, queue:dead())
      assert.equal(1, begin(queue, "w", read(queue, "w")[1])[4])
    end)

    spec("those that workers did not survive count", function(_, queue)
      local item = take(queue, "w1", "a", { tries = 2 })
      begin(queue, "w1", item)
      claim(queue, "w2")
      begin(queue, "w2", item)
      claim(queue, "w3")
      assert.same({ "dead" }, begin(queue, "w3", item))
      assert.equal("its worker was lost, 2 times", queue:job("a").error)
      assert.same({ "a" }, queue:dead())
      assert_empty(queue)
    end)

    spec("what was taken and not begun does not count", function(_, queue)
      local item = take(queue, "w1", "a", { tries = 1 })
      claim(queue, "w2")
      claim(queue, "w3")
      assert.equal("run", begin(queue, "w3", item)[1])
    end)

    it("pauses double up to a limit, give or take a half", function()
      for n, pause in ipairs { 1, 2, 4, 8, 10, 10 } do
        for _ = 1, 20 do
          local actual = backoff(n, 1, 10)
          assert.is_true(actual >= 0.5 * pause and actual < 1.5 * pause)
        end
      end
      assert.is_true(backoff(5000, 1, 10) < 15)
    end)
  end)

  describe("cancel:", function()
    spec("of a job that has not been added yet: it never begins", function(_, queue)
      assert.equal("unknown", queue:cancel("a", "too early"))
      assert.equal(2, queue:add(jobs_of("a", "b"), MOST))
      assert.same({ "b" }, ids_of(read(queue, "w")))
      assert.same({ "cancelled", "too early" }, { queue:job("a").state, queue:job("a").error })
    end)

    spec("of one that waits, or that was taken and not begun", function(_, queue)
      queue:add(jobs_of("a", "b"), MOST)
      local item = read(queue, "w", 1)[1]
      assert.equal("queued", queue:cancel "a")
      assert.equal("queued", queue:cancel "b")
      assert.same({ "lost" }, begin(queue, "w", item))
      assert.same({}, read(queue, "w"))
      assert_empty(queue)
    end)

    spec("of one that has a pause", function(_, queue)
      local item = take(queue, "w", "a")
      begin(queue, "w", item)
      finish(queue, "w", item, "failed", "no", 3600)
      assert.equal("delayed", queue:cancel "a")
      assert_empty(queue)
      assert.equal("cancelled", queue:job("a").state)
    end)

    spec("of one that runs: its worker learns of it, and there is no other attempt", function(_, queue)
      local item = take(queue, "w", "a")
      begin(queue, "w", item)
      assert.equal("running", queue:cancel("a", "why"))
      assert.same({ { item.entry, "cancelled", "why" } }, queue:renew("w", { item }))
      assert.equal("cancelled", finish(queue, "w", item, "failed", "broken off", 0))
      assert.same({ "cancelled", "why" }, { queue:job("a").state, queue:job("a").error })
      assert_empty(queue)
    end)

    spec("of one whose worker is dead: who claims it does not begin", function(_, queue)
      local item = take(queue, "w1", "a")
      begin(queue, "w1", item)
      queue:cancel("a", "why")
      claim(queue, "w2")
      assert.same({ "cancelled" }, begin(queue, "w2", item))
      assert_empty(queue)
    end)

    spec("behind the end it changes nothing, and one that is done in time is done", function(_, queue)
      local item = take(queue, "w", "a")
      begin(queue, "w", item)
      queue:cancel "a"
      assert.equal("done", finish(queue, "w", item, "done", "x"))
      assert.equal("done", queue:cancel "a")
      assert.same({ "done", "x" }, { queue:job("a").state, queue:job("a").result })
    end)
  end)

  describe("workers that go:", function()
    spec("what they have goes back, at the end, as if it had not been begun", function(_, queue)
      queue:renew("w", {})
      queue:add(jobs_of("a", "b", "c"), MOST)
      local items = read(queue, "w", 2)
      begin(queue, "w", items[1])
      assert.equal(2, queue:leave "w")
      assert.same({}, queue:status().workers)
      local again = read(queue, "v")
      assert.same({ "c", "a", "b" }, ids_of(again))
      assert.equal(1, begin(queue, "v", again[2])[4])
    end)

    spec("who has not been heard of is forgotten, but not while it has jobs", function(_, queue)
      queue:renew("busy", {})
      queue:renew("idle", {})
      local item = take(queue, "busy", "a")
      assert.equal(0, queue:sweep(3600))
      assert.equal(1, queue:sweep(0))
      assert.same({ "busy" }, { queue:status().workers[1].name, queue:status().workers[2] })
      assert.same({ "a" }, ids_of(claim(queue, "w")))
      assert.equal(1, queue:sweep(0))
      assert.equal("run", begin(queue, "w", item)[1])
    end)

    spec("who is to go learns of it with the lease, and nobody else", function(_, queue)
      for _, name in ipairs { "a", "b" } do queue:renew(name, {}) end
      assert.same({ "a" }, queue:drain "a")
      assert.same({}, queue:drain "nobody")
      assert.same({ { "", "drain" } }, queue:renew("a", {}))
      assert.same({}, queue:renew("b", {}))
      assert.same({ "a", "b" }, queue:drain "all")
      queue:leave "a"
      assert.same({}, queue:renew("a", {}))
    end)
  end)

  describe("parts:", function()
    it("a batch: what comes in one turn, or while one is under way, goes together", function()
      local sent, answer = {}, nil
      local batch = Batch.new(function(items)
        sent[#sent + 1] = table.concat(items, " ")
        answer = weir.Deferred()
        weir.await(answer)
        local answers = {}
        for i, item in ipairs(items) do answers[i] = item:upper() end
        return answers
      end)
      local function call(item) return weir.spawn(batch.call, batch, item) end
      local a, b = call "a", call "b"
      weir.step()
      local c, d, e = call "c", call "d", call "e"
      d:cancel()
      assert.same({ "a b" }, sent)
      answer:callback()
      assert.same({ "A", "B" }, { a:result(), b:result() })
      assert.same({ "a b", "c d e" }, sent)
      answer:errback "broken"
      assert.equal("broken", h.raised(c.result, c))
      assert.equal("broken", h.raised(e.result, e))
      local f = call "f"
      weir.step()
      answer:callback()
      assert.equal("F", f:result())
    end)

    spec("a connection asks again when it was broken off, and not when Redis says no", function(_, queue)
      local connection, calls = Connection.new(server.address, 5), 0
      local answer = connection:call(function(client)
        calls = calls + 1
        if calls == 1 then client.network.socket:close() end
        return client:echo "hello"
      end)
      assert.same({ "hello", 2 }, { answer, calls })
      calls = 0
      local err = h.raised(connection.call, connection, function(client)
        calls = calls + 1
        return client:lpush(queue.key)
      end)
      assert.matches("redis error: ERR wrong number", err)
      assert.equal(1, calls)
      connection:close()
    end)

    spec("a cancel of one who asks leaves the connection in order", function(_, queue)
      queue:add(jobs_of "a", MOST)
      for _ = 1, 10 do weir.spawn(queue.job, queue, "a"):cancel() end
      assert.equal("queued", queue:job("a").state)
    end)

    spec("scripts that the server has forgotten, and a stream that is gone", function(_, queue)
      queue:add(jobs_of "a", MOST)
      queue.pool:call(function(client) client:script "flush" end)
      queue:add(jobs_of "b", MOST)
      assert.same({ "a", "b" }, ids_of(read(queue, "w")))
      queue.pool:call(function(client) client:flushall() end)
      queue:add(jobs_of "c", MOST)
      assert.same({ "c" }, ids_of(read(queue, "w")))
    end)

    it("options", function()
      local values = options.parse({ "one", "--n", "2", "--name", "x", "two" }, { n = 1, name = "", other = 3 })
      assert.same({ "one", "two", 2, "x", 3 }, { values[1], values[2], values.n, values.name, values.other })
      assert.equal("unknown option --m", h.raised(options.parse, { "--m", "1" }, { n = 1 }))
      assert.equal("a value is missing for --n", h.raised(options.parse, { "--n" }, { n = 1 }))
      assert.equal("a number is expected for --n", h.raised(options.parse, { "--n", "x" }, { n = 1 }))
    end)
  end)

  describe("processes:", function()
    spec("jobs are done, failures tried again, and no kind is no reason to fall", function(field, queue)
      field:worker { backoff = 0.01, tick = 0.02 }
      queue:add({ { id = "a", kind = "mark" }, { id = "b", kind = "fail", args = "2" },
        { id = "c", kind = "none", tries = 1 },
        { id = "d", kind = "wait", args = "never", limit = 0.05, tries = 1 } }, MOST)
      assert.equal("result of a", field:await_state("a", "done").result)
      local job = field:await_state("b", "done")
      assert.same({ "3", "at last" }, { job.attempt, job.result })
      assert.equal("no such kind of job: none", field:await_state("c", "dead").error)
      assert.equal("TimeoutError: timed out", field:await_state("d", "dead").error)
      assert.is_true(field:has_mark "cleaned d 1")
      assert_empty(queue)
    end)

    spec("a job is done at the same time as others, as there are slots", function(field, queue)
      field:worker { slots = 3 }
      local jobs = {}
      for i = 1, 5 do jobs[i] = { id = "j" .. i, kind = "wait", args = "go" } end
      queue:add(jobs, MOST)
      field.await(function() return #field:marks() == 3 end)
      assert.equal(3, queue:status().held)
      field:touch "go"
      for i = 1, 5 do field:await_state("j" .. i, "done") end
    end)

    spec("the job of a killed worker is claimed", function(field, queue)
      local first = field:worker { lease = 0.5 }
      queue:add({ { id = "a", kind = "second" } }, MOST)
      field:await_mark "begun a 1"
      field:worker { lease = 0.5, name = "b" }
      field.kill(first)
      assert.equal("by b", field:await_state("a", "done").result)
      assert.is_false(field:has_mark "cleaned a 1")
      assert_empty(queue)
    end)

    spec("a frozen worker loses its job, notices that when it goes on, and works on", function(field, queue)
      local first = field:worker { lease = 0.5, name = "a" }
      queue:add({ { id = "job", kind = "second" } }, MOST)
      field:await_mark "begun job 1"
      first:kill "sigstop"
      field:worker { lease = 0.5, name = "b" }
      assert.equal("by b", field:await_state("job", "done").result)
      first:kill "sigcont"
      field:await_mark "cleaned job 1"
      field.await(function() return first.log[1] ~= nil end)
      assert.equal("a: job job: has lost its lease", first.log[1])
      field.kill(field.workers[2])
      queue:add({ { id = "next", kind = "mark" } }, MOST)
      assert.equal("a", field:await_state("next", "done").worker)
      assert.equal("by b", queue:job("job").result)
    end)

    spec("a job that takes longer than a lease stays where it is, also one that only computes", function(field, queue)
      for _ = 1, 2 do field:worker { lease = 1.5 } end
      queue:add({ { id = "a", kind = "mark", args = "4" }, { id = "b", kind = "spin", args = "4" } }, MOST)
      assert.equal("1", field:await_state("a", "done").attempt)
      assert.equal("1", field:await_state("b", "done").attempt)
      assert.is_nil(queue:status().count.claimed)
    end)

    spec("a job that kills its workers is a dead letter in the end, and harms no other", function(field, queue)
      queue:add({ { id = "poison", kind = "poison", tries = 2 },
        { id = "a", kind = "mark", args = "0.05", tries = 4 } }, MOST)
      for i = 1, 2 do
        local worker = field:worker { lease = 0.3 }
        assert.same({ 0, 9 }, { weir.await(worker.exited) })
        assert.is_true(field:has_mark("begun poison " .. i))
      end
      field:worker { lease = 0.3 }
      assert.equal("its worker was lost, 2 times", field:await_state("poison", "dead").error)
      field:await_state("a", "done")
    end)

    spec("a cancel reaches a job that runs at once, by a message", function(field, queue)
      local worker = field:worker { lease = 3600 }
      queue:add({ { id = "a", kind = "wait", args = "never" }, { id = "b", kind = "wait", args = "go" } }, MOST)
      field:await_mark "begun a 1"
      queue:cancel("a", "from elsewhere")
      assert.equal("from elsewhere", field:await_state("a", "cancelled").error)
      assert.is_true(field:has_mark "cleaned a 1")
      field:touch "go"
      field:await_state("b", "done")
      assert.equal(worker.pid, field.workers[1].pid)
    end)

    spec("and without a message, with the lease", function(field, queue)
      field:worker { lease = 0.3 }
      queue:add({ { id = "a", kind = "wait", args = "never" } }, MOST)
      field:await_mark "begun a 1"
      queue.pool:call(function(client) return client:hset(queue.key .. ":job:a", "cancel", "why") end)
      assert.equal("why", field:await_state("a", "cancelled").error)
    end)

    spec("drain: nothing more is taken, what ends in time is done, the rest goes back", function(field, queue)
      local worker = field:worker { slots = 2, patience = 0.5, lease = 3600 }
      queue:add({ { id = "a", kind = "wait", args = "go" }, { id = "b", kind = "wait", args = "never" },
        { id = "c", kind = "mark" } }, MOST)
      field:await_mark "begun a 1"
      field:await_mark "begun b 1"
      worker:kill "sigterm"
      field.await(function() return #worker.log > 0 end)
      field:touch "go"
      assert.same({ 0, 0 }, { weir.await(worker.exited) })
      assert.equal("done", queue:job("a").state)
      assert.is_true(field:has_mark "cleaned b 1")
      assert.same({ "queued", "0" }, { queue:job("b").state, queue:job("b").attempt })
      assert.same({ "queued", "0" }, { queue:job("c").state, queue:job("c").attempt })
      local status = queue:status()
      assert.same({ 2, 0, 0 }, { status.queued, status.held, #status.workers })
      assert.matches("goes; has given back 1$", worker.log[#worker.log])
    end)

    spec("ctl.lua: what is the matter, and what is to happen", function(field, queue)
      local worker = field:worker { name = "w", slots = 1 }
      field:await_workers(1)
      queue:add({ { id = "a", kind = "none", tries = 1 } }, MOST)
      field:await_state("a", "dead")
      assert.equal("a\tno such kind of job: none\n", (field:run("ctl.lua", "dead")))
      assert.equal("a\n", (field:run("ctl.lua", "retry", "all")))
      field.await(function() return (queue:status().count.dead or 0) == 2 end)
      queue:add({ { id = "b", kind = "wait", args = "never" } }, MOST)
      field:await_mark "begun b 1"
      local status = field:run("ctl.lua", "status")
      assert.matches("\nheld     1\n", status)
      assert.matches("\n  w: has 1, heard of %d seconds ago\n", status)
      assert.equal("it was: running\n", (field:run("ctl.lua", "cancel", "b", "no more of that")))
      field:await_state("b", "cancelled")
      assert.matches("  error      no more of that\n", (field:run("ctl.lua", "show", "b")))
      assert.equal("w\n", (field:run("ctl.lua", "drain", "w")))
      assert.same({ 0, 0 }, { weir.await(worker.exited) })
      assert.equal("", (field:run("ctl.lua", "drain", "all")))
      local _, exit_status, errors = field:run("ctl.lua", "cancel")
      assert.equal(2, exit_status)
      assert.matches("^ctl.lua: status, ", errors)
    end)

    spec("a second signal ends a worker at once", function(field, queue)
      local worker = field:worker { patience = 3600 }
      queue:add({ { id = "a", kind = "wait", args = "never" } }, MOST)
      field:await_mark "begun a 1"
      worker:kill "sigint"
      field.await(function() return #worker.log > 0 end)
      worker:kill "sigint"
      assert.same({ 1, 0 }, { weir.await(worker.exited) })
      assert.equal(1, queue:status().held)
    end)
  end)

  it("Redis is killed and comes back: nothing that it took is lost", function()
    x.run(function()
      local own <close> = new_server(true)
      local field <close> = new_field(own)
      local n = math.max(h.scale(2000), 100)
      for _ = 1, 2 do field:worker { lease = 1, backoff = 0.05, tick = 0.05 } end
      local producer = field:start("producer.lua", { "--count", tostring(n), "--id", "j", "--kind", "mark",
        "--args", "0.005", "--most", "100", "--tries", "100" }, "inherit")
      local printed = weir.spawn(producer.stdout.read, producer.stdout, "a")
      for i = 1, 2 do
        field.await(function() return (field.queue:status().count.done or 0) >= i * n // 4 end)
        own:kill()
        weir.sleep(0.1)
        own:start()
      end
      assert.equal(0, weir.await(producer.exited))
      field.await(function() return (field.queue:status().count.done or 0) == n end)
      assert.equal(n, select(2, weir.await(printed):gsub("\n", "")))
      producer.stdout:close()
      assert_empty(field.queue)
    end)
  end)

  -- What is not as it should be, of n jobs; told by Redis, in one go.
  local CENSUS = [[
    local wrong = 0
    for i = 1, ARGV[1] do
      local id = "j" .. i
      local job = redis.call("HMGET", KEYS[1] .. ":job:" .. id, "state", "result")
      if job[1] ~= "done" or job[2] ~= "result of " .. id then wrong = wrong + 1 end
    end
    return wrong]]

  -- Job -> how often it has been done, and how many were done more often than once.
  local function done_of(field)
    local times, more = {}, 0
    for _, line in ipairs(field:marks()) do
      local id = line:match "^did (%S+)"
      if id then
        times[id] = (times[id] or 0) + 1
        if times[id] > 1 then more = more + 1 end
      end
    end
    return times, more
  end

  local function done_so_far(field)
    return field.queue:status().count.done or 0
  end

  -- Kills one of the workers, and puts another one in its place, until most jobs are done. Returns how many it killed.
  local function kill_at_random(field, n, settings)
    local kills = 0
    while done_so_far(field) < 0.9 * n do
      weir.sleep(0.05 + 0.3 * math.random())
      field:replace(math.random(4), settings)
      kills = kills + 1
    end
    return kills
  end

  it("4 workers, 20,000 jobs, workers killed at random: no job is lost", function()
    local n, seed = h.scale(20000), tonumber(os.getenv "SEED") or 1
    math.randomseed(seed)
    luv.run(function()
      local field <close> = new_field(server)
      local settings = { lease = 1, slots = 20, tick = 0.05, patience = 5 }
      for _ = 1, 4 do field:worker(settings) end
      local producer = field:start("producer.lua", { "--count", tostring(n), "--id", "j", "--kind", "mark",
        "--args", "0.01", "--tries", "1000", "--most", "5000" }, "inherit")
      local printed = weir.spawn(producer.stdout.read, producer.stdout, "a")
      local kills = weir.await(weir.spawn(kill_at_random, field, n, settings):timeout(120))
      assert.equal(0, weir.await(producer.exited))
      weir.await(printed)
      producer.stdout:close()
      field.await(function() return done_so_far(field) == n end)

      assert.equal(0, field.queue.pool:call(function(client) return client:eval(CENSUS, 1, field.queue.key, n) end))
      local times, more = done_of(field)
      for i = 1, n do assert(times["j" .. i], "a job is told to be done, and was not") end
      assert_empty(field.queue)
      assert.equal(0, field.queue:status().dead)
      print(("workers: %d jobs, %d kills, %d claimed, %d done twice (SEED=%d)"):format(n, kills,
        field.queue:status().count.claimed or 0, more, seed))
    end)
  end)
end)
