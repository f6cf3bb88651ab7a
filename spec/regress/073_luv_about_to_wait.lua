-- What libuv was asked for by a coroutine that had been cancelled, and was about to wait for it, went on for nobody: a
-- file that was opened stayed open, and an error was reported as unhandled.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local weir = require "weir"
local luv = require "weir.luv"
local h = require "spec.helper"
local x = require "spec.uv"

-- Runs f(...) in a coroutine that has been cancelled and does not know it yet.
local function cancelled(f, ...)
  local gate = weir.Deferred()
  local co = weir.spawn(function(...)
    weir.await(gate)
    f(...)
  end, ...)
  weir.spawn(function()
    gate:callback()
    co:cancel()
  end)
  assert.equal("cancelled", co:status())
end

local function open_files()
  local n = 0
  for _ in luv.uv.fs_scandir_next, assert(luv.uv.fs_scandir "/proc/self/fd") do n = n + 1 end
  return n
end

describe("luv: a cancel that strikes at the wait for libuv", function()
  after_each(function()
    x.assert_nothing_left()
    h.restore()
  end)

  it("5.8 closes what is opened none the less", function()
    x.run(weir.await, luv.fs.stat "/") -- the threads are there
    local before = open_files()
    cancelled(function() weir.await(luv.fs.open("/dev/null", "r", 0)) end)
    x.run(weir.sleep, 0.02)
    assert.equal(before, open_files())
  end)

  it("5.10 has nothing reported", function()
    local unhandled = h.unhandled()
    local stream, other = x.stream()
    x.fill(stream.handle)
    cancelled(stream.write, stream, "more")
    stream:close()
    x.rounds(3)
    other:close()
    h.collect()
    x.rounds(1)
    assert.same({}, unhandled)
  end)
end)
