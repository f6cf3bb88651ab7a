-- The flow of pieces to one who waits for each, of the library's own streams.
local core = require "weir.core".functions
local weir = require "weir"
local h = require "spec.helper"

describe("Flow", function()
  local t, flow, claim, take, put, slow

  local hooks = { function() t "left" end, function() t "held" end, function() t "free" end }

  before_each(function()
    h.manual()
    h.unhandled()
    t = h.trace()
    slow = function() t "slow" end
    flow = core.flow(hooks)
    take = core.taker(flow, function() return slow() end)
    put = core.putter(flow, function(...) t(table.pack(...)) end)
  end)
  after_each(h.restore)

  -- As a stream does that has nothing: the first wait is for a new claim.
  local function open()
    claim = core.claim(hooks)
    core.flows(flow, claim, take)
    return claim
  end

  local function read_all(first)
    t(first)
    for piece in take do t(piece) end
    t "end"
  end

  it("3.6 hands each piece to one who waits, at once, and nothing else runs", function()
    local co = weir.spawn(function() read_all(weir.await(open())) end)
    for _, piece in ipairs { "a", "b", "c" } do
      t("put " .. piece)
      put(nil, piece)
    end
    assert.are.same({ "put a", "a", "put b", "b", "put c", "c" }, t:list())
    assert.are.equal("waiting", co:status())
  end)

  it("a claim that is fired with nothing, and is none any more, ends the flow: slow tells what comes then", function()
    local left = { "x", "y" }
    slow = function()
      core.flows(flow, nil)
      return table.remove(left, 1)
    end
    weir.spawn(function() read_all(weir.await(open())) end)
    put(nil, "a")
    claim:callback()
    assert.are.same({ "a", "x", "y", "end" }, t:list())
  end)

  it("slow may wait, return any number of values, and raise", function()
    local gate = weir.Deferred()
    slow = function()
      weir.await(gate)
      return 1, nil, 3
    end
    local co = weir.spawn(function() return take() end)
    gate:callback()
    assert.are.same({ n = 3, 1, nil, 3 }, table.pack(co:result()))
    slow = function() error("no more", 0) end
    assert.are.equal("no more", select(2, weir.spawn(pcall, take):result()))
  end)

  it("nobody waits: slow gets what there is", function()
    put(nil, "a")
    put("EPIPE", nil)
    put()
    open()
    core.flows(flow, nil)
    put(nil, "b")
    assert.are.same({ { n = 2, nil, "a" }, { n = 2, "EPIPE", nil }, { n = 2 }, { n = 2, nil, "b" } }, t:list())
  end)

  it("an error, or an end, is no piece", function()
    weir.spawn(weir.await, open())
    put("EPIPE")
    put(nil, 1)
    assert.are.same({ { n = 2, "EPIPE" }, { n = 2, nil, 1 } }, t:list())
    assert.are.equal("pending", claim:status())
  end)

  it("who took one and waits no more is told of", function()
    weir.spawn(function() t(weir.await(open())) end)
    put(nil, "a")
    put(nil, "b")
    assert.are.same({ "a", { n = 3, nil, nil, "taken" }, { n = 2, nil, "b" } }, t:list())
  end)

  it("8.1 who fails in the middle fails himself, not the flow", function()
    local co = weir.spawn(function() error(weir.await(open()), 0) end)
    put(nil, "a")
    assert.are.same({ { n = 3, nil, nil, "taken" } }, t:list())
    assert.are.same({ false, "a" }, { pcall(co.result, co) })
  end)

  it("5.1 a cancel leaves the flow, which is no more then", function()
    local co = weir.spawn(function() read_all(weir.await(open())) end)
    put(nil, "a")
    co:cancel()
    put(nil, "b")
    slow = function() t "slow" end
    weir.spawn(take)
    assert.are.same({ "a", "left", { n = 2, nil, "b" }, "slow" }, t:list())
    assert.are.equal("cancelled", co:status())
  end)

  it("5.8 a cancel that strikes where a take is about to wait leaves it too", function()
    local co = weir.spawn(function() read_all(weir.await(open())) end)
    weir.inline(false)
    put(nil, "a")
    co:cancel()
    weir.step()
    assert.are.same({ { n = 3, nil, nil, "taken" }, "a", "left" }, t:list())
    assert.are.equal("cancelled", co:status())
  end)

  it("6.2 one who is held is told so; what is put none the less waits for him, and ends the flow", function()
    local co = weir.spawn(function() read_all(weir.await(open())) end)
    put(nil, "a")
    co:pause()
    put(nil, "b")
    co:unpause()
    assert.are.same({ "a", "held", { n = 3, nil, nil, "taken" }, "b", "slow", "end" }, t:list())
  end)

  it("3.6 what is handed over is for that one alone: the claim has fired, with nothing", function()
    weir.spawn(function() t(weir.await(open())) end)
    put(nil, "a")
    assert.are.same({ "a", { n = 3, nil, nil, "taken" } }, t:list())
    assert.are.same({ "success", 0 }, { claim:status(), select("#", claim:result()) })
  end)

  it("whoever else waits for the claim, or has a callback on it, is told the piece too, in order", function()
    weir.spawn(function() t { 1, weir.await(open()) } end)
    weir.spawn(function() t { 2, weir.await(claim) } end)
    put(nil, "a")
    weir.spawn(function() t { 3, weir.await(open()) } end)
    claim:add_callback(function(piece) t { "callback", piece } return piece end)
    put(nil, "b")
    weir.spawn(function() t { 4, weir.await(weir.all { open() }) } end)
    put(nil, "c")
    assert.are.same({
      { 1, "a" }, { 2, "a" }, { n = 3, nil, nil, "taken" },
      { "callback", "b" }, { 3, "b" }, { n = 3, nil, nil, "taken" },
      { 4, { "c" } }, { n = 3, nil, nil, "taken" },
    }, t:list())
  end)

  it("2.3 behind what is being told already", function()
    local first = weir.Deferred()
    weir.spawn(function() read_all(weir.await(open())) end)
    weir.spawn(function() t(weir.await(first)) end)
    local before = weir.Deferred()
    before:add_callback(function()
      first:callback "first"
      put(nil, "a")
      t "callback"
    end)
    before:callback()
    assert.are.same({ { n = 3, nil, nil, "taken" }, "callback", "first", "a" }, t:list())
  end)

  it("2.3 also where fires are nested too deep to be told at once", function()
    local first = weir.Deferred()
    weir.spawn(function() read_all(weir.await(open())) end)
    weir.spawn(function() t(weir.await(first)) end)
    local function nest(n)
      weir.succeed():add_callback(function()
        if n > 0 then return nest(n - 1) end
        first:callback "first"
        put(nil, "a")
      end)
    end
    nest(100)
    assert.are.same({ { n = 3, nil, nil, "taken" }, "first", "a" }, t:list())
  end)

  it("a claim that was fired as any other is one of the flow again, with its hooks", function()
    local co = weir.spawn(function() read_all(weir.await(open())) end)
    claim:add_callback(function(piece) return piece .. "!" end)
    put(nil, "a")
    put(nil, "b")
    claim:add_callback(function(piece) return piece .. "?" end)
    put(nil, "c")
    co:cancel()
    assert.are.same({ "a!", "b", "c?", "left" }, t:list())
  end)

  it("2.7 a timeout of the claim ends with it", function()
    weir.spawn(function() read_all(weir.await(open():timeout(1))) end)
    put(nil, "a")
    put(nil, "b")
    weir.clock():advance(2)
    put(nil, "c")
    assert.are.same({ "a", "b", "c" }, t:list())
  end)

  it("2.7 a limit of the wait ends with it", function()
    weir.spawn(function()
      t(weir.await(open(), 1))
      for piece in take do t(piece) end
    end)
    put(nil, "a")
    weir.clock():advance(2)
    put(nil, "b")
    assert.are.same({ "a", "b" }, t:list())
  end)

  it("6.1 what is put into a claim that is paused waits for that", function()
    weir.spawn(function() t(weir.await(open())) end)
    claim:pause()
    put(nil, "a")
    t "put"
    claim:unpause()
    assert.are.same({ "held", { n = 3, nil, nil, "taken" }, "put", "a" }, t:list())
  end)

  it("another takes the next where the one before has ended and is gone", function()
    weir.spawn(function()
      t(weir.await(open()))
      t(take())
    end)
    put(nil, "a")
    put(nil, "b")
    h.collect()
    weir.spawn(function() read_all(weir.await(open())) end)
    for _, piece in ipairs { "c", "d" } do put(nil, piece) end
    assert.are.same({ "a", "b", { n = 3, nil, nil, "taken" }, "c", "d" }, t:list())
  end)

  it("one at a time: a second one goes the slow way", function()
    weir.spawn(weir.await, open())
    weir.spawn(take)
    put(nil, "a")
    assert.are.same({ "slow", { n = 3, nil, nil, "taken" } }, t:list())
  end)

  it("3.6 take is refused where nothing can suspend, flow or not", function()
    local message = "attempt to await outside a coroutine"
    assert.matches(message, h.raised(take))
    open()
    assert.matches(message, h.raised(take))
  end)

  it("8.4 checks its arguments", function()
    assert.matches("bad argument #1 .*table expected", h.raised(core.flow, 1))
    for _, wrong in ipairs { 1, hooks, io.stdout, weir.Deferred() } do
      for _, name in ipairs { "taker", "putter", "flows" } do
        assert.matches("bad argument #1 .*flow expected", h.raised(core[name], wrong, h.ignore))
      end
    end
    for _, name in ipairs { "taker", "putter" } do
      assert.matches("bad argument #2 .*function expected", h.raised(core[name], flow))
    end
    assert.matches("bad argument #2 .*claim expected", h.raised(core.flows, flow, weir.Deferred()))
    assert.matches("bad argument #2 .*value expected", h.raised(core.flows, flow))
  end)
end)
