-- weir.busted: the options of the first part of a test were those of all its parts, so that a body for the real clock
-- ran on the manual one behind a plain before_each, with the time limit of that.
local process = require "spec.process"

local function run(text)
  return process.busted { [[
    local weir = require "weir"
    local wb = require "weir.busted"
    local it, before_each, after_each = wb.it, wb.before_each, wb.after_each
    local real = wb { clock = "real", limit = 0.05 }
  ]] .. text }
end

describe("regress 165", function()
  it("each part runs on its clock", function()
    local output = run [[
      local log, at = {}, nil
      before_each(function() weir.sleep(3600); log[1] = weir.now() end)
      real.before_each(function() at = weir.now(); weir.sleep(0.001) end)
      it("on the manual one", function() weir.sleep(1); log[2] = weir.now() end)
      real.it("on the real one", function() assert.is_true(weir.now() >= at and weir.now() < at + 3600) end)
      real.after_each(function() assert.is_true(weir.now() < at + 3600) end)
      after_each(function() assert.same({ 3600.0, log[2] and 3601.0 }, log); log = {} end)
    ]]
    assert.matches("2 successes / 0 failures / 0 errors", output)
  end)

  it("each part has its limit, and says so", function()
    local output = run [[
      before_each(function() weir.sleep(1) end)
      real.it("takes too long", function() weir.sleep(60) end)
    ]]
    assert.matches("0 successes / 1 failure / 0 errors", output)
    assert.matches("'takes too long'.-has not ended within 0%.05 seconds", output)
  end)

  it("a clock that one puts in place is for those of its kind", function()
    local output = run [[
      local mine, outer = weir.Clock(), weir.clock()
      before_each(function() weir.clock(mine) end)
      real.it("has another", function() assert.equal(outer, weir.clock()) end)
      after_each(function() assert.equal(mine, weir.clock()) end)
    ]]
    assert.matches("1 success / 0 failures / 0 errors", output)
  end)

  it("what a part has left is ended, whatever the last one runs on", function()
    local output = run [[
      local ended = 0
      local function leave()
        local _ <close> = setmetatable({}, { __close = function() ended = ended + 1 end })
        weir.sleep(3600)
      end
      before_each(function() weir.spawn(leave) end)
      real.it("leaves two", function() weir.spawn(leave) end)
      it("has seen the end of both", function() assert.equal(2, ended) end)
    ]]
    assert.matches("0 successes / 2 failures / 0 errors", output)
    assert.equal(3, select(2, output:gsub("left behind by", "")))
  end)
end)
