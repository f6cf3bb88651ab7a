local frames = require "spec.frames"
local h = require "spec.helper"
local weir = require "weir"

describe("regression 044", function()
  before_each(h.manual)
  after_each(h.restore)

  -- It ended at the call of the generator.
  it("8.2 of one that waits in a generator, in a generator, has the stacks of these first", function()
    local wait, call, body
    local co = weir.spawn(function()
      local outer = weir.wrap(function()
        local inner = weir.wrap(function() wait = frames.here(); weir.sleep(1); return true end)
        call = frames.here(); inner()
        return true
      end)
      body = frames.here(); outer()
      return true
    end)
    assert.same({ { wait }, { call }, { body } }, frames.of(co:traceback()))
  end)
end)
