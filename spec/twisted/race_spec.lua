-- Contract 9.1 beside Twisted's race, which waits for the first success and thus is weir.any here; weir.race takes
-- the first outcome of either kind.
local weir = require "weir"
local h = require "spec.helper"

local function failure(d) return h.raised(d.result, d) end

-- n Deferreds, and how often each of them was cancelled.
local function counted(n)
  local parts, cancelled = {}, {}
  for i = 1, n do
    cancelled[i] = 0
    parts[i] = weir.Deferred(function() cancelled[i] = cancelled[i] + 1 end)
  end
  return parts, cancelled
end

-- f(place of the winner, number of parts): up to three before it and up to three behind it.
local function each_place(f)
  for before = 0, 3 do
    for behind = 0, 3 do f(before + 1, before + 1 + behind) end
  end
end

-- A list of n times `value`, or another one at `place`.
local function times(n, value, place, other)
  local list = {}
  for i = 1, n do list[i] = i == place and other or value end
  return list
end

describe("twisted: race", function()
  local reports
  before_each(function() h.manual(); reports = h.unhandled() end)
  after_each(h.restore)

  it("9.1 any and race: the first success wins wherever it stands, each other part is cancelled once", function()
    each_place(function(place, n)
      for _, combine in ipairs { weir.any, weir.race } do
        local parts, cancelled = counted(n)
        local d, value = combine(parts), {}
        parts[place]:callback(value, nil)
        local got = table.pack(d:result())
        assert.are.same({ 2, true }, { got.n, rawequal(value, got[1]) })
        assert.are.same(times(n, 1, place, 0), cancelled)
      end
    end)
  end)

  it("9.1 any: the rest is cancelled before the winner's values are told", function()
    local t, winner = h.trace(), weir.Deferred()
    local first, last = weir.Deferred(function() t "cancel 1" end), weir.Deferred(function() t "cancel 3" end)
    weir.any({ first, winner, last }):add_callback(t)
    winner:callback("v")
    assert.are.same({ "cancel 1", "cancel 3", "v" }, t:list())
  end)

  it("9.1 any: failures alone make an AnyError, each under its key, nobody is cancelled", function()
    for n = 1, 7 do
      local parts, cancelled = counted(n)
      local d, errors = weir.any(parts), {}
      for i = n, 1, -1 do
        assert.are.equal("pending", d:status())
        errors[i] = { i }
        parts[i]:errback(errors[i])
      end
      local err = failure(d)
      assert.are.equal("AnyError", err.name)
      assert.are.equal(n, #err.errors)
      for i = 1, n do assert.is_true(rawequal(errors[i], err.errors[i])) end
      assert.are.same(times(n, 0), cancelled)
    end
  end)

  it("8.1 any: the AnyError is reported once, the failures in it are not", function()
    weir.any { weir.fail("bang"), weir.fail("some text") }
    for _ = 1, 2 do
      h.collect()
      weir.step()
    end
    assert.are.same({ 1, "AnyError" }, { #reports, reports[1].err.name })
  end)

  it("9.1 any: the text of the AnyError tells keys and errors", function()
    local err = failure(weir.any { left = weir.fail("bang"), right = weir.fail("some text") })
    for _, part in ipairs { "AnyError", "left", "bang", "right", "some text" } do
      assert.matches(part, tostring(err), 1, true)
    end
  end)

  it("9.1 race: a failure that comes first is the outcome, the error itself", function()
    each_place(function(place, n)
      local parts, cancelled = counted(n)
      local d, err = weir.race(parts), {}
      parts[place]:errback(err)
      assert.is_true(rawequal(err, failure(d)))
      assert.are.same(times(n, 1, place, 0), cancelled)
    end)
  end)

  it("2.2 one that lost may still be fired: it is dropped and reported to nobody", function()
    each_place(function(place, n)
      for _, fire in ipairs { "callback", "errback" } do
        local parts = counted(n + 1)
        local d = weir.any(parts)
        parts[place]:callback("won")
        parts[place + 1][fire](parts[place + 1], "late")
        assert.are.same({ "won", "cancelled" }, { d:result(), parts[place + 1]:status() })
      end
    end)
    weir.step()
    h.collect()
    weir.step()
    assert.are.same({}, reports)
  end)

  it("9.1 any and race: a success that a loser's canceller answers changes nothing", function()
    for _, combine in ipairs { weir.any, weir.race } do
      for place = 1, 2 do
        local winner, loser = weir.Deferred(), weir.Deferred(function(self) self:callback("answer") end)
        local d = combine(place == 1 and { winner, loser } or { loser, winner })
        winner:callback("won")
        assert.are.same({ "won", "answer" }, { d:result(), loser:result() })
      end
    end
  end)

  it("9 cancel of any or race: each part is cancelled once, and the outcome is the cancel error", function()
    for _, combine in ipairs { weir.any, weir.race } do
      for n = 1, 3 do
        local parts, cancelled = counted(n)
        local d = combine(parts)
        d:cancel("why")
        assert.are.same(times(n, 1), cancelled)
        assert.are.same({ "cancelled", "why" }, { d:status(), failure(d).reason })
      end
    end
  end)
end)
