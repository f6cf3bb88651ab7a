-- <close> handlers within a generator could wait only where its instructions were counted: elsewhere the wait was an
-- error, which ended the cleanup and took the place of the error or of the cancel.
local weir = require "weir"
local h = require "spec.helper"

describe("regress 127", function()
  local clock, t
  before_each(function()
    clock, t = h.manual(), h.trace()
    h.unhandled()
  end)
  after_each(function()
    weir.slice(0)
    h.restore()
  end)

  local function cleaning(f)
    return function()
      local _ <close> = setmetatable({}, { __close = function(_, err)
        t(tostring(err))
        weir.sleep(1)
        t "done"
      end })
      return f()
    end
  end

  local function in_generator(f)
    return function() for _ in weir.wrap(f) do t "never" end end
  end

  local function outcome(co)
    clock:advance(1)
    return co:status(), tostring(select(2, pcall(co.result, co)))
  end

  for _, slice in ipairs { 0, 100000 } do
    describe(("with slices of %d"):format(slice), function()
      before_each(function() weir.slice(slice) end)

      it("5.5 they wait behind a cancel", function()
        local co = weir.spawn(in_generator(cleaning(function() weir.sleep(10) end)))
        co:cancel "enough"
        assert.same({ "cancelled", "CancelledError: cancelled: enough" }, { outcome(co) })
        assert.same({ "CancelledError: cancelled: enough", "done" }, t:list())
      end)

      it("5.5 they wait behind an error, before a wait and after one", function()
        for _, seconds in ipairs { 0, 1 } do
          local co = weir.spawn(in_generator(cleaning(function()
            if seconds > 0 then weir.sleep(seconds) end
            error("oops", 0)
          end)))
          clock:advance(seconds)
          assert.same({ "failure", "oops" }, { outcome(co) })
        end
        assert.same({ "oops", "done", "oops", "done" }, t:list())
      end)

      it("5.5 and in a generator within a generator", function()
        local co = weir.spawn(in_generator(cleaning(in_generator(cleaning(function() weir.sleep(10) end)))))
        co:cancel "enough"
        clock:advance(1)
        assert.same({ "cancelled", "CancelledError: cancelled: enough" }, { outcome(co) })
        local err = "CancelledError: cancelled: enough"
        assert.same({ err, "done", err, "done" }, t:list())
      end)
    end)
  end

  it("5.5 not in one that is called outside a coroutine, whose error comes out none the less", function()
    assert.matches("attempt to sleep outside a coroutine",
      h.raised(weir.wrap(cleaning(function() error("oops", 0) end))))
    assert.same({ "oops" }, t:list())
  end)
end)
