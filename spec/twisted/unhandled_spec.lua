-- Failures that nobody handles, as in Twisted's LogTests and the tests of its logError.
local weir = require "weir"
local h = require "spec.helper"

local function measure(v) return #v end

local function collected()
  h.collect()
  weir.step()
end

describe("twisted: unhandled failures", function()
  local reports
  before_each(function()
    h.manual()
    reports = h.unhandled()
  end)
  after_each(h.restore)

  local function assert_one_report()
    assert.are.equal(1, #reports)
    assert.matches("attempt to get length of a number value", reports[1].err, 1, true)
    collected()
    assert.are.equal(1, #reports)
  end

  it("8.1 of a Deferred that nobody kept it is reported at the collection", function()
    weir.Deferred():add_callback(measure):callback(1)
    h.collect()
    assert_one_report()
  end)

  it("8.1 of a Deferred in the frame of a function that has returned it is reported at the collection", function()
    local function inner_frame()
      local d = weir.Deferred()
      d:add_callback(measure)
      d:callback(1)
    end
    inner_frame()
    h.collect()
    assert_one_report()
  end)

  it("8.1 of a Deferred in a circle with its callback it is reported at the collection", function()
    local function inner_frame()
      local d = weir.Deferred()
      local ring = { d = d }
      d:add_callback(function(v) ring.seen = v; return measure(v) end)
      d:callback(1)
      d:add_callback(function() return ring end)
    end
    inner_frame()
    h.collect()
    assert_one_report()
  end)

  it("8.1 the traceback is told beside the error and does not repeat it", function()
    weir.Deferred():add_callback(measure):callback(1)
    weir.step()
    assert.matches("^stack traceback:\n", reports[1].traceback)
    assert.is_nil(reports[1].traceback:find("attempt to get length", 1, true))
  end)

  it("8.1 the traceback names the callback that raised and who fired the Deferred", function()
    local function fire_it(d) d:callback(1) end
    local d = weir.Deferred():add_callback(function(v) measure(v) end)
    fire_it(d)
    weir.step()
    local inner = reports[1].traceback:find("measure", 1, true)
    local outer = reports[1].traceback:find("fire_it", 1, true)
    assert.is_true(inner < outer)
  end)

  it("8.1 a failure stays what it was when it has been reported, whatever the handler returns", function()
    local err = {}
    local old = weir.on_unhandled(function(e) reports[#reports + 1] = e; return "something else" end)
    local d = weir.fail(err)
    weir.step()
    weir.on_unhandled(old)
    assert.are.equal(1, #reports)
    assert.is_true(rawequal(err, reports[1]))
    assert.is_true(rawequal(err, h.raised(d.result, d)))
  end)

  it("8.1 an errback that logs and raises again passes the very error on, and it is reported", function()
    local t, err = h.trace(), {}
    local function log(e) t(e); error(e, 0) end
    local d = weir.fail(err):add_errback(log)
    weir.step()
    assert.is_true(rawequal(err, t:list()[1]))
    assert.is_true(rawequal(err, reports[1].err))
    assert.are.same({ 1, 1, "failure" }, { #t:list(), #reports, d:status() })
  end)

  it("8.1 of a failed one that a callback returned nothing is reported when the outer one's was handled", function()
    local t = h.trace()
    weir.succeed():add_callback(function() return weir.fail("zoop") end):add_callbacks(t, t)
    collected()
    assert.are.same({ { "zoop" }, {} }, { t:list(), reports })
  end)

  it("8.1 an errback that returns a pending Deferred has handled the failure", function()
    local function make()
      local good = weir.Deferred()
      weir.fail("oh no"):add_errback(function() return good end)
    end
    make()
    collected()
    assert.are.same({}, reports)
  end)
end)
