-- Contract 9.3 and rules 5 and 6 for Semaphore. What it shares with the others is in line.lua and permits.lua.
local weir = require "weir"
local h = require "spec.helper"
local line = require "spec.line"
local permits = require "spec.permits"

local MANY = h.scale(2e4)

local function acquire_times(semaphore, n)
  local list = {}
  for i = 1, n do list[i] = semaphore:acquire() end
  return list
end

local function statuses(list)
  local result = {}
  for i, d in ipairs(list) do result[i] = d:status() end
  return result
end

describe("Semaphore: its line:", function()
  line.specs {
    busy = function()
      local semaphore = weir.Semaphore(3)
      acquire_times(semaphore, 3)
      return semaphore
    end,
    wait = function(semaphore) return semaphore:acquire() end,
    serve = function(semaphore) semaphore:release() end,
    many = 1e4,
  }
end)

describe("Semaphore: of one:", function()
  permits.specs("Semaphore", function() return weir.Semaphore(1) end)
end)

describe("Semaphore: of several", function()
  local clock, t
  before_each(function() clock, t = h.manual(), h.trace() end)
  after_each(h.restore)

  it("9.3 gives n permits at once and no more", function()
    local semaphore = weir.Semaphore(3)
    assert.are.same({ "success", "success", "success", "pending", "pending" },
      statuses(acquire_times(semaphore, 5)))
  end)

  it("9.3 a release with nobody waiting gives one back", function()
    local semaphore = weir.Semaphore(2)
    acquire_times(semaphore, 2)
    semaphore:release()
    assert.are.same({ "success", "pending" }, statuses(acquire_times(semaphore, 2)))
  end)

  it("9.3 a release beyond n raises, with permits out or not, and changes nothing", function()
    local semaphore = weir.Semaphore(2)
    assert.is_string(h.raised(semaphore.release, semaphore))
    acquire_times(semaphore, 2)
    semaphore:release()
    semaphore:release()
    assert.is_string(h.raised(semaphore.release, semaphore))
    assert.are.same({ "success", "success", "pending" }, statuses(acquire_times(semaphore, 3)))
  end)

  it("9.3 n at a time are inside, in the order in which they came", function()
    local semaphore, inside, most = weir.Semaphore(3), 0, 0
    for i = 1, 7 do
      semaphore:run(function()
        t(i)
        inside = inside + 1
        most = math.max(most, inside)
        weir.sleep(1)
        inside = inside - 1
      end)
    end
    clock:advance(10)
    assert.are.same({ 1, 2, 3, 4, 5, 6, 7 }, t:list())
    assert.are.equal(3, most)
    assert.are.same({ "success", "success", "success", "pending" }, statuses(acquire_times(semaphore, 4)))
  end)

  it("6.1 several that are freed together are served in the order in which they are freed", function()
    local semaphore = weir.Semaphore(2)
    acquire_times(semaphore, 2)
    local held = {}
    for i = 1, 3 do held[i] = line.told(t, i, semaphore:acquire()):pause() end
    semaphore:release()
    semaphore:release()
    for _, i in ipairs { 3, 1, 2 } do held[i]:unpause() end
    assert.are.same({ 3, 1 }, t:list())
    semaphore:release()
    assert.are.same({ 3, 1, 2 }, t:list())
  end)

  it("9.3 a waiter that is cancelled in the callback of another gets no permit", function()
    local semaphore, list = weir.Semaphore(2), {}
    acquire_times(semaphore, 2)
    list[1] = semaphore:acquire():add_callback(function() t(1); list[2]:cancel() end)
    for i = 2, 4 do list[i] = line.told(t, i, semaphore:acquire()) end
    semaphore:release()
    semaphore:release()
    assert.are.same({ 1, "2 CancelledError", 3 }, t:list())
  end)

  it("2.11 tostring tells how many permits are left", function()
    local semaphore, seen = weir.Semaphore(3), {}
    for _ = 0, 3 do
      local state = permits.state(semaphore, "Semaphore")
      assert.is_nil(seen[state])
      seen[state] = true
      semaphore:acquire()
    end
  end)

  it("8.4 n is an integer from 1 on", function()
    for _, wrong in ipairs { 0, -1, 1.5, 0 / 0, 1 / 0, "many", true, {}, h.ignore } do
      local err = h.raised(function() weir.Semaphore(wrong) end)
      assert.matches("semaphore_spec%.lua:%d+: bad argument #1 to 'Semaphore'", err)
    end
    assert.matches("bad argument #1 to 'Semaphore'", h.raised(function() weir.Semaphore() end), 1, true)
    assert.are.equal("success", weir.Semaphore(math.maxinteger):acquire():status())
  end)

  it(("2.4 %d permits go out and come back"):format(MANY), function()
    local semaphore, n = weir.Semaphore(MANY), 0
    acquire_times(semaphore, MANY)
    for _ = 1, MANY do semaphore:acquire():add_callback(function() n = n + 1 end) end
    for _ = 1, 2 * MANY do semaphore:release() end
    assert.are.equal(MANY, n)
    assert.is_string(h.raised(semaphore.release, semaphore))
  end)
end)
