-- weir.debug and slow resumes, on a clock that only spend() moves (time.c). Run by `make frames-spec`.
local weir = require "weir"
local h = require "spec.helper"

local core = assert(package.searchpath("weir.core", package.cpath))
local spend = assert(package.loadlib(core, "luaopen_spend"))()

local spawn = weir.spawn
local MS = 1 / 1024 -- times are exact so

describe("slow resumes", function()
  local reports
  before_each(function()
    h.unhandled()
    h.manual()
    reports = {}
    weir.debug { slow = 10 * MS, report = function(message, traceback, co)
      reports[#reports + 1] = { message, traceback, co, weir.current() }
    end }
  end)
  after_each(h.restore)

  it("are those longer than it says", function()
    spawn(function() spend(10 * MS); weir.yield(); spend(11 * MS); weir.yield() end)
    weir.step()
    weir.step()
    assert.equal(1, #reports)
    assert.matches("^Coroutine: .*%).*slow%.lua:%d+, ran for 0%.01074.* seconds at a stretch$", reports[1][1])
  end)

  it("are told of with the stack where it gave way at last", function()
    local co
    local function busy() spend(1); weir.yield() end
    co = weir.coroutine(function() busy() end, "name")()
    weir.step()
    assert.matches("^Coroutine 'name': ", reports[1][1])
    assert.matches("in .*'busy'", reports[1][2])
    assert.equal(co, reports[1][3])
  end)

  it("are told of before the next resume, outside of all coroutines", function()
    spawn(function() spend(1); weir.sleep(1) end)
    assert.same({}, reports)
    spawn(function() assert.equal(1, #reports) end):result()
    assert.same({ nil, nil }, { reports[1][4], reports[2] })
  end)

  it("are told of when the loop goes idle", function()
    weir.run(function() spend(1) end)
    assert.equal(1, #reports)
    assert.equal("", reports[1][2]) -- it has ended
    spawn(function() spend(1); weir.sleep(1) end)
    weir.step()
    assert.equal(2, #reports)
  end)

  it("have what callbacks take, and those of many at once are told of in order", function()
    local gate = weir.Deferred():add_callback(function() spend(1) end)
    weir.coroutine(function() gate:callback(); weir.sleep(1) end, "one")()
    weir.run(function()
      weir.coroutine(function() spend(1) end, "two")()
      weir.coroutine(function() spend(1); weir.sleep(1) end, "three")():pause()
    end)
    local names = {}
    for i, r in ipairs(reports) do names[i] = r[1]:match "'(.-)'" end
    assert.same({ "one", "two", "three", "three" }, names)
    assert.matches("^left behind", reports[4][1])
  end)

  it("may be answered by anything, also to who is about to run", function()
    local gate, log, co = weir.Deferred(), {}, nil
    weir.debug { slow = 10 * MS, report = function(message)
      log[#log + 1] = message:match "'(.-)'"
      log[#log + 1] = tostring(pcall(co.close, co))
      co:pause()
      co:cancel "answer"
    end }
    co = weir.coroutine(function()
      weir.await(gate)
      log[#log + 1] = "ran"
      weir.yield()
      log[#log + 1] = "not this"
    end)()
    weir.coroutine(function() spend(1); weir.sleep(1) end, "slow")()
    gate:callback()
    assert.same({ "slow", "false", "ran" }, log) -- it runs already
    assert.equal("cancelled", co:status())
  end)

  it("are none with a limit that never comes, and at 0.1 seconds if nothing is said", function()
    weir.debug { slow = math.huge, report = function() error "reported" end }
    weir.run(function() spend(1000) end)
    local n = 0
    weir.debug { report = function() n = n + 1 end }
    weir.run(function() spend(0.125) end)
    weir.run(function() spend(0.0625) end)
    assert.equal(1, n)
  end)

  it("are not told of when it is switched off before", function()
    spawn(function() spend(1); weir.sleep(1) end)
    weir.debug(false)
    spawn(h.ignore)
    weir.run(h.ignore)
    assert.same({}, reports)
  end)
end)
