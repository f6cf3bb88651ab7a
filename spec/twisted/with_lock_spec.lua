-- A lock or a semaphore held for a block, as in Twisted's tests of `async with`.
local weir = require "weir"
local h = require "spec.helper"
local it = require "weir.busted".it

describe("twisted: held for a block", function()
  it("9.3 a lock is held to the end of the block, and then passed on", function()
    local lock = weir.Lock()
    local second
    do
      local _ <close> = weir.await(lock:acquire())
      second = lock:acquire()
      assert.are.equal("pending", second:status())
    end
    assert.are.equal("success", second:status())
    weir.await(second)
    local third = lock:acquire()
    assert.are.equal("pending", third:status())
    lock:release()
    assert.are.equal("success", third:status())
  end)

  it("9.3 a semaphore gives back one permit at the end of each of two nested blocks", function()
    local sem = weir.Semaphore(3)
    do
      local _ <close> = weir.await(sem:acquire())
      local last, waiting
      do
        local _ <close> = weir.await(sem:acquire())
        last, waiting = sem:acquire(), sem:acquire()
        assert.are.same({ "success", "pending" }, { last:status(), waiting:status() })
      end
      assert.are.equal("success", waiting:status())
    end
    for _ = 1, 2 do sem:release() end
    for _ = 1, 3 do assert.are.equal("success", sem:acquire():status()) end
    assert.are.equal("pending", sem:acquire():status())
  end)

  it("9.3 an error in the block comes out of it, with the lock free", function()
    local lock, err = weir.Lock(), {}
    local raised = h.raised(function()
      local _ <close> = weir.await(lock:acquire())
      error(err)
    end)
    assert.is_true(rawequal(err, raised))
    assert.are.same({ "success", "pending" }, { lock:acquire():status(), lock:acquire():status() })
  end)
end)
