-- A lock or a semaphore held for a block, as in Twisted's tests of `async with`.
local weir = require "weir"
local h = require "spec.helper"

describe("twisted: held for a block", function()
  local t
  before_each(function()
    h.manual()
    t = h.trace()
  end)
  after_each(h.restore)

  it("9.3 a lock is held to the end of the block, and then passed on", function()
    local lock = weir.Lock()
    h.inside(function()
      local second
      do
        local _ <close> = weir.await(lock:acquire())
        second = lock:acquire()
        t(second:status())
      end
      t(second:status())
      weir.await(second)
      local third = lock:acquire()
      t(third:status())
      lock:release()
      t(third:status())
    end)
    assert.are.same({ "pending", "success", "pending", "success" }, t:list())
  end)

  it("9.3 a semaphore gives back one permit at the end of each of two nested blocks", function()
    local sem = weir.Semaphore(3)
    local last, waiting
    h.inside(function()
      do
        local _ <close> = weir.await(sem:acquire())
        do
          local _ <close> = weir.await(sem:acquire())
          last, waiting = sem:acquire(), sem:acquire()
          t(last:status() .. ", " .. waiting:status())
        end
        t(waiting:status())
      end
      for _ = 1, 2 do sem:release() end
    end)
    assert.are.same({ "success, pending", "success" }, t:list())
    for i = 1, 4 do t(i .. " " .. sem:acquire():status()) end
    assert.are.same({ "1 success", "2 success", "3 success", "4 pending" }, { select(3, table.unpack(t:list())) })
  end)

  it("9.3 an error in the block comes out of it, with the lock free", function()
    local lock, err = weir.Lock(), {}
    local ok, raised = h.inside(pcall, function()
      local _ <close> = weir.await(lock:acquire())
      error(err)
    end)
    assert.are.same({ false, true }, { ok, rawequal(err, raised) })
    assert.are.same({ "success", "pending" }, { lock:acquire():status(), lock:acquire():status() })
  end)
end)
