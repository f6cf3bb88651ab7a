-- Firing twice, as in Twisted's AlreadyCalledTests: what is raised, and where debug says the first fire was.
local weir = require "weir"
local h = require "spec.helper"

local place = {} -- of each function below: where it fires

local function note(name)
  local info = debug.getinfo(2, "Sl")
  place[name] = ("%s:%d"):format(info.short_src, info.currentline)
end

local fire = {
  call_first = function(d) note "call_first"; d:callback("hello") end,
  call_again = function(d) note "call_again"; d:callback("twice") end,
  fail_first = function(d) note "fail_first"; d:errback("no") end,
  fail_again = function(d) note "fail_again"; d:errback("no, twice") end,
}

-- Fires a Deferred in the two ways; returns the error of the second and which functions of the Deferred were called.
local function fire_twice(first, second)
  local t, d = h.trace(), weir.Deferred()
  d:add_callbacks(function() t "callback" end, function() t "errback" end)
  fire[first](d)
  return h.raised(fire[second], d), t:list()
end

local function assert_refused(first, second, called)
  local err, list = fire_twice(first, second)
  assert.are.equal("AlreadyCalledError", err.name)
  assert.are.same({ called }, list)
end

local function assert_names_first(first, second)
  local err = fire_twice(first, second)
  local ending = ", first at " .. place[first]
  assert.are.equal("AlreadyCalledError", err.name)
  assert.are.equal(ending, err.message:sub(-#ending))
  assert.matches(place[first] .. ": in", err.first, 1, true)
  assert.is_nil(err.first:find(place[second] .. ": in", 1, true))
end

describe("twisted: fired twice", function()
  before_each(h.manual)
  after_each(h.restore)

  it("2.2 a callback behind a callback is refused", function()
    assert_refused("call_first", "call_again", "callback")
  end)

  it("2.2 an errback behind a callback is refused", function()
    assert_refused("call_first", "fail_again", "callback")
  end)

  it("2.2 an errback behind an errback is refused", function()
    assert_refused("fail_first", "fail_again", "errback")
  end)

  it("2.2 a callback behind an errback is refused", function()
    assert_refused("fail_first", "call_again", "errback")
  end)
end)

describe("twisted: fired twice, debug", function()
  local old
  before_each(function()
    h.manual()
    old = weir.debug(true)
  end)
  after_each(function()
    weir.debug(old)
    h.restore()
  end)

  it("2.2 with debug on a callback behind a callback tells of the first, not of the second", function()
    assert_names_first("call_first", "call_again")
  end)

  it("2.2 with debug on an errback behind a callback tells of the first, not of the second", function()
    assert_names_first("call_first", "fail_again")
  end)

  it("2.2 with debug on a callback behind an errback tells of the first, not of the second", function()
    assert_names_first("fail_first", "call_again")
  end)

  it("2.2 with debug on an errback behind an errback tells of the first, not of the second", function()
    assert_names_first("fail_first", "fail_again")
  end)

  it("2.2 with debug off nothing is told of the first", function()
    assert.is_true(weir.debug(false))
    local err = fire_twice("call_first", "call_again")
    assert.are.equal("AlreadyCalledError", err.name)
    assert.is_nil(err.first)
    assert.is_nil(err.message:find("first at", 1, true))
  end)

  it("2.2 debug switched between the add and the fire, or the fire and the add, changes no outcome", function()
    local t = h.trace()
    weir.debug(false)
    local made_before = weir.Deferred():add_both(function(...) t { "before", ... } end)
    weir.debug(true)
    made_before:callback("v")
    weir.debug(false)
    local fired_before = weir.Deferred():callback("w")
    weir.debug(true)
    fired_before:add_both(function(...) t { "behind", ... } end)
    assert.are.same({ { "before", true, "v" }, { "behind", true, "w" } }, t:list())
  end)

  it("2.2 debug switched on behind the first fire: the second is refused as without debug", function()
    weir.debug(false)
    local d = weir.Deferred()
    fire.call_first(d)
    weir.debug(true)
    local err = h.raised(fire.call_again, d)
    assert.are.equal("AlreadyCalledError", err.name)
    assert.is_nil(err.first)
    assert.is_nil(err.message:find("first at", 1, true))
  end)
end)
