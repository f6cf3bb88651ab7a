-- weir.debug: where things were made, and reports of what is hardly meant. Slow resumes are in spec/budget/slow.lua.
local h = require "spec.helper"
local process = require "spec.process"
local weir = require "weir"

local spawn, await = weir.spawn, weir.await

local function named(name, f) return weir.coroutine(f, name) end

describe("debug", function()
  local reports
  before_each(function()
    h.unhandled()
    h.collect()
    weir.step()
    h.manual()
    reports = {}
  end)
  after_each(h.restore)

  local function report(message, traceback, co)
    reports[#reports + 1] = { message = message, traceback = traceback, co = co }
  end

  -- The line of the caller, as "file:line".
  local function here()
    local info = debug.getinfo(2, "Sl")
    return ("%s:%d"):format(info.short_src, info.currentline)
  end

  describe("switch", function()
    it("returns what puts it back: a boolean, or the table", function()
      local options = { slow = 1, report = report }
      assert.is_false(weir.debug())
      assert.is_false(weir.debug(true))
      assert.is_true(weir.debug(options))
      assert.equal(options, weir.debug())
      assert.equal(options, weir.debug(nil))
      assert.equal(options, weir.debug(false))
      assert.is_false(weir.debug {})
      assert.same({}, weir.debug(true))
      assert.is_true(weir.debug(true))
    end)

    it("refuses other arguments, and changes nothing then", function()
      local function refused(argument, message)
        assert.matches("bad argument #1 to 'weir.debug' (" .. message .. ")", h.raised(weir.debug, argument), 1, true)
      end
      local options = { report = report }
      weir.debug(options)
      refused(1, "boolean expected, got number")
      refused({ slwo = 1 }, "unknown option 'slwo'")
      refused({ 1 }, "unknown option '1'")
      refused({ slow = "x" }, "option 'slow' is not a number of at least 0")
      refused({ slow = -1 }, "option 'slow' is not a number of at least 0")
      refused({ slow = 0 / 0 }, "option 'slow' is not a number of at least 0")
      refused({ report = 1 }, "option 'report' cannot be called")
      assert.equal(options, weir.debug())
    end)
  end)

  describe("of one that is abandoned", function()
    -- What is reported of what f leaves to the collector.
    local function lost(f)
      f()
      h.collect()
      weir.step()
      return reports
    end

    it("says who, where it was started, and where what it waits for was made", function()
      weir.debug { report = report }
      local started, made
      lost(function()
        local function start()
          made = here(); local d = weir.Deferred()
          started = here(); named("lost", function() await(d) end)()
        end
        start()
      end)
      assert.equal(1, #reports)
      local message = reports[1].message
      assert.matches("^Coroutine 'lost': ", message)
      assert.matches(", started at " .. started .. ", was abandoned: nothing can reach it any more", message, 1, true)
      assert.matches("; what it waits for was made at " .. made, message, 1, true)
      assert.matches("^stack traceback:.*debug_spec", reports[1].traceback)
      assert.equal("cancelled", reports[1].co:status())
    end)

    it("says where it sleeps", function()
      weir.debug { report = report }
      local made
      lost(function()
        local clock = weir.Clock()
        named("sleeper", function()
          made = here(); clock:sleep(1)
        end)()
      end)
      assert.matches("; what it waits for was made at " .. made, reports[1].message, 1, true)
    end)

    it("says nothing of where it slept before", function()
      lost(function()
        local clock = weir.Clock()
        weir.debug { report = report }
        named("sleeper", function()
          clock:sleep(1)
          clock:sleep(1)
        end)()
        weir.debug(false)
        clock:advance(1)
        weir.debug { report = report }
      end)
      assert.equal(1, #reports)
      assert.not_matches("what it waits for", reports[1].message, 1, true)
    end)

    it("comes before its cleanup, and once", function()
      weir.debug { report = function(...) report(...); assert.equal("waiting", reports[1].co:status()) end }
      lost(function()
        spawn(function()
          local _ <close> = setmetatable({}, { __close = function() await(weir.Deferred()) end })
          await(weir.Deferred())
        end)
      end)
      h.collect()
      weir.step()
      h.collect()
      weir.step()
      assert.equal(1, #reports)
    end)

    it("leaves out what is the library's own", function()
      weir.debug { report = report }
      local place
      lost(function()
        place = here(); weir.map({ 1, 2 }, function() await(weir.Deferred()) end)
      end)
      table.sort(reports, function(a, b) return a.message < b.message end)
      assert.equal(2, #reports)
      for _, r in ipairs(reports) do assert.matches("started at " .. place, r.message, 1, true) end
    end)

    it("takes only what lies in its own directory for that, not what is called like it", function()
      weir.debug { report = report }
      local init = assert(package.searchpath("weir", package.path))
      local name = init:gsub("weir[/\\]init%.lua$", "weird.lua")
      local start = assert(load("local weir = ... weir.spawn(weir.await, weir.Deferred())", "@" .. name))
      lost(function() start(weir) end)
      assert.equal(1, #reports)
      assert.matches("started at " .. name .. ":1", reports[1].message, 1, true)
    end)

    it("is not there for one that was started before, or that ends, or is reached", function()
      local gate = weir.Deferred()
      weir.debug { report = report }
      lost(function()
        spawn(h.ignore)
        spawn(await, gate)
        spawn(weir.sleep, 1)
      end)
      assert.same({}, reports)
    end)

    it("may be answered: the reporter ends it, fails, or wants more to be reported", function()
      local seen = 0
      weir.debug { report = function(_, _, co)
        seen = seen + 1
        if seen == 1 then co:close() end
        if seen == 2 then co:cancel() end
        if seen == 3 then spawn(function() await(weir.Deferred()) end); h.collect() end
        if seen == 4 then weir.debug(false) end
      end }
      lost(function()
        for _ = 1, 4 do spawn(function() await(weir.Deferred()) end) end
      end)
      assert.equal(4, seen)
      local output = process.run [[
        local weir = require "weir"
        weir.debug { report = function() error("in the reporter", 0) end }
        weir.spawn(function() weir.await(weir.Deferred()) end)
        collectgarbage() collectgarbage()
        weir.step()
        print "goes on"
      ]]
      output = output:gsub("0x%x+", "AT"):gsub("stack traceback:\n.-\nweir:", "TRACE\nweir:")
      assert.matches("^weir: Coroutine: AT %(.*abandoned.*\nTRACE\nweir: error in the handler of that: in the reporter"
        .. "\ngoes on\n$", output)
    end)

    it("goes to standard error where nobody has asked for it", function()
      local output = process.run [[
        local weir = require "weir"
        weir.debug(true)
        weir.spawn(function() weir.await(weir.Deferred()) end)
        collectgarbage() collectgarbage()
        weir.step()
      ]]
      assert.matches("^weir: Coroutine: 0x%x+ %(.-%), started at .-:3, was abandoned: .*\nstack traceback:\n", output)
    end)
  end)

  describe("of those that a run leaves behind", function()
    local function messages()
      local list = {}
      for i, r in ipairs(reports) do
        list[i] = r.message:gsub("0x%x+", "ADDRESS"):gsub(" %(.-%)", "")
      end
      return list
    end

    it("names each that was started in it and is alive, in the order of birth", function()
      local gate, place = weir.Deferred(), nil
      spawn(await, gate) -- before it is on
      weir.debug { report = report }
      spawn(await, gate) -- before the run
      local result = weir.run(function()
        spawn(h.ignore)
        place = here(); named("one", await)(gate); named("two", await)(gate):pause()
        return "result"
      end)
      assert.equal("result", result)
      assert.same({ "left behind by a run: Coroutine 'one': ADDRESS, started at " .. place,
        "left behind by a run: Coroutine 'two': ADDRESS, started at " .. place }, messages())
      assert.equal("waiting", reports[1].co:status())
      assert.matches("await", reports[1].traceback)
      assert.equal("paused", reports[2].co:status())
      weir.run(h.ignore)
      assert.equal(2, #reports)
      gate:callback()
    end)

    it("names all that are alive when there is nothing left to do", function()
      local gate = weir.Deferred()
      weir.debug { report = report }
      local function count() -- there may be others, of other specs
        weir.run()
        local n = 0
        for _, r in ipairs(reports) do n = n + (r.message:find("'mine'", 1, true) and 1 or 0) end
        return n
      end
      named("mine", await)(gate)
      assert.equal(1, count())
      gate:callback()
      assert.equal(1, count())
    end)

    it("names ten, and says how many more there are", function()
      local gate = weir.Deferred()
      weir.debug { report = report }
      weir.run(function()
        for i = 1, 100 do named("number " .. i, await)(gate) end
      end)
      assert.equal(11, #reports)
      for i = 1, 10 do assert.matches("'number " .. i .. "'", reports[i].message, 1, true) end
      assert.equal("left behind by a run: 90 more", reports[11].message)
      assert.equal("", reports[11].traceback)
      assert.is_nil(reports[11].co)
      gate:callback()
    end)

    it("is there too when the run fails, and leaves its error", function()
      local gate = weir.Deferred()
      weir.debug { report = report }
      local mine = {}
      assert.equal(mine, h.raised(weir.run, function()
        named("one", await)(gate)
        error(mine)
      end))
      assert.equal(1, #reports)
      gate:callback()
    end)

    it("is not there for those that a report of another has ended", function()
      local gate = weir.Deferred()
      local two
      weir.debug { report = function(...) report(...); two:close() end }
      weir.run(function()
        named("one", await)(gate)
        two = named("two", await)(gate)
      end)
      assert.equal(1, #reports)
    end)

    it("is not there while it is off", function()
      local gate = weir.Deferred()
      weir.debug { report = report }
      weir.debug(false)
      weir.run(function() named("one", await)(gate) end)
      assert.same({}, reports)
      gate:callback()
    end)
  end)

  it("the handler of reports hears of a trace that is not whole", function()
    weir.debug { report = report }
    weir.trace "/dev/full"
    spawn(h.ignore)
    weir.trace()
    assert.same({ { message = "the trace into '/dev/full' is not whole: No space left on device", traceback = "" } },
      reports)
  end)

  it("is where weir.tasks has it from that one was started there", function()
    local before = spawn(weir.sleep, 1)
    weir.debug(true)
    local place = here(); local co = spawn(weir.sleep, 1)
    local started = {}
    for task in weir.tasks() do started[task.co] = task.started end
    assert.same({ "[C]", place }, { started[before], started[co] })
  end)

  it("8.4 what it keeps is no reason for anything to stay", function()
    weir.debug(true)
    local weak = setmetatable({}, { __mode = "k" })
    weak[weir.Deferred()] = true
    weak[spawn(h.ignore)] = true
    weak[spawn(weir.sleep, 1)] = nil
    assert.is_true(h.released(weak))
  end)
end)
