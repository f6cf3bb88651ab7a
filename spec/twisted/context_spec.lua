-- What Twisted's tests of context variables ask for, kept in a table under weir.current().
local weir = require "weir"
local h = require "spec.helper"

describe("twisted: context", function()
  local clock, t, context
  before_each(function()
    clock, t = h.manual(), h.trace()
    context = setmetatable({}, { __mode = "k" })
  end)
  after_each(h.restore)

  local function set(v) context[weir.current() or "none"] = v end
  local function get() return context[weir.current() or "none"] end

  -- A Deferred that sets the value of whatever context its callback runs in, in a second, and may then fail.
  local function mutating(v, err)
    return clock:after(1):add_callback(function()
      set(v)
      if err then error(err, 0) end
    end)
  end

  local setting = weir.coroutine(function(v)
    clock:sleep(1)
    set(v)
    t(get())
  end)

  it("3.9 what is kept under the running Coroutine stays, whatever callbacks and other Coroutines keep", function()
    set(1)
    local co = weir.spawn(function()
      set(2)
      weir.await(weir.succeed())
      t(get())
      weir.await(mutating(3))
      t(get())
      t((pcall(weir.await, mutating(4, "fails"))))
      t(get())
      weir.await(setting(5))
      t(get())
    end)
    t(get())
    for _ = 1, 3 do clock:advance(1) end
    assert.are.same({ 2, 1, 2, false, 2, 5, 2 }, t:list())
    assert.are.same({ "success", 4 }, { co:status(), get() })
  end)

  it("3.9 what was kept before a wait is there behind it, and can be put back", function()
    local co = weir.spawn(function()
      set(2)
      local before = get()
      set(3)
      clock:sleep(1)
      t(get())
      set(before)
      t(get())
    end)
    clock:advance(1)
    assert.are.same({ 3, 2 }, t:list())
    assert.are.equal("success", co:status())
  end)

  it("3.9 a plain function that waits shares its caller's, a coroutine function has its own", function()
    local function plain(v)
      clock:sleep(1)
      set(v)
    end
    weir.spawn(function()
      set(2)
      weir.await(setting(4))
      t(get())
      plain(3)
      t(get())
    end)
    for _ = 1, 2 do clock:advance(1) end
    assert.are.same({ 4, 2, 3 }, t:list())
  end)
end)
