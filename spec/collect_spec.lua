local weir = require "weir"
local h = require "spec.helper"

local function guard(f) return setmetatable({}, { __close = f }) end

local function collect()
  for _ = 1, 4 do collectgarbage() end
end

describe("collect", function()
  local clock, t, reports
  before_each(function()
    h.clean()
    clock, t = h.manual(), h.trace()
    reports = h.unhandled()
  end)
  after_each(h.restore)

  -- A coroutine that waits for what nobody else knows, and is itself known to nobody.
  local function abandon(name, f)
    weir.spawn(function()
      local _ <close> = guard(function()
        if f then f() end
        t(name)
      end)
      weir.await(weir.Deferred())
      t "never"
    end)
  end

  describe("an unreachable coroutine", function()
    it("3.8 is cancelled in the next turn, not inside the collection", function()
      abandon "cleanup"
      collect()
      assert.same({}, t:list())
      weir.step()
      assert.same({ "cleanup" }, t:list())
    end)

    it("3.8 sees a cancel error at its await, pcall too", function()
      local function start()
        weir.spawn(function()
          local ok, err = pcall(weir.await, weir.Deferred())
          t(ok)
          t(weir.is_cancelled(err))
          t(weir.current():status())
        end)
      end
      start()
      collect()
      weir.step()
      assert.same({ false, true, "running" }, t:list())
    end)

    it("3.8 has what it waits on cancelled first, canceller and all", function()
      local function start()
        weir.spawn(function()
          local _ <close> = guard(function() t "cleanup" end)
          weir.await(weir.Deferred(function() t "canceller" end))
        end)
      end
      start()
      collect()
      weir.step()
      assert.same({ "canceller", "cleanup" }, t:list())
    end)

    it("3.8 is found at a raw yield and in a generator as well", function()
      local function start()
        weir.spawn(function()
          local _ <close> = guard(function() t "yield" end)
          coroutine.yield(weir.Deferred())
        end)
        weir.spawn(function()
          weir.wrap(function()
            local _ <close> = guard(function() t "generator" end)
            weir.await(weir.Deferred())
          end)()
        end)
      end
      start()
      collect()
      weir.step()
      table.sort(t:list())
      assert.same({ "generator", "yield" }, t:list())
    end)

    it("3.8 runs its cleanup as after any cancel: it may await", function()
      abandon("cleanup", function() weir.sleep(2) end)
      collect()
      weir.step()
      collect()
      clock:advance(1)
      assert.same({}, t:list())
      clock:advance(1)
      assert.same({ "cleanup" }, t:list())
    end)

    it("3.8 is found though it and what it waits on refer to each other", function()
      local function start()
        local d = weir.Deferred()
        local ring = { d = d }
        ring.co = weir.spawn(function()
          local _ <close> = guard(function() t(ring.d == d) end)
          weir.await(d)
        end)
        d:add_callback(function() return ring end)
      end
      start()
      collect()
      weir.step()
      assert.same({ true }, t:list())
    end)

    it("3.8 is cancelled though it is paused", function()
      local function start()
        local co = weir.spawn(function()
          local _ <close> = guard(function() t "cleanup" end)
          weir.await(weir.Deferred())
        end)
        co:pause()
      end
      start()
      collect()
      weir.step()
      assert.same({ "cleanup" }, t:list())
    end)

    it("3.8 of a chain of waits each is cleaned up, the innermost first", function()
      local function level(i)
        local _ <close> = guard(function() t(i) end)
        if i < 5 then weir.await(weir.spawn(level, i + 1)) else weir.await(weir.Deferred()) end
      end
      local function start() weir.spawn(level, 1) end
      start()
      collect()
      weir.step()
      assert.same({ 5, 4, 3, 2, 1 }, t:list())
    end)

    it("3.8 a chain of a hundred thousand is cleaned up flat, each level once", function()
      local n, cleaned, twice = h.scale(100000), {}, 0
      local function level(i)
        local _ <close> = guard(function()
          if cleaned[i] then twice = twice + 1 end
          cleaned[i] = true
        end)
        if i < n then weir.await(weir.spawn(level, i + 1)) else weir.await(weir.Deferred()) end
      end
      local function start() weir.spawn(level, 1) end
      start()
      collect()
      weir.step()
      assert.equal(n, #cleaned)
      assert.equal(0, twice)
    end)

    it("3.8 of several the order is the order found: the same program, the same order", function()
      local function program()
        local log = h.trace()
        local function start(i)
          weir.spawn(function()
            local _ <close> = guard(function() log(i) end)
            weir.await(weir.Deferred())
          end)
        end
        for i = 1, 9 do start(i) end
        collect()
        weir.step()
        return log:list()
      end
      local first = program()
      assert.same(first, program())
      table.sort(first)
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, first)
    end)

    it("3.8 is cancelled once, never twice", function()
      abandon "cleanup"
      for _ = 1, 3 do
        collect()
        weir.step()
      end
      assert.same({ "cleanup" }, t:list())
    end)

    it("3.8 is cancelled once though its cleanup brings it back and lets it go again", function()
      local kept = {}
      local function start()
        weir.spawn(function()
          local _ <close> = guard(function()
            t "cleanup"
            kept.co = weir.current()
          end)
          weir.await(weir.Deferred())
        end)
      end
      start()
      collect()
      weir.step()
      assert.equal("cancelled", kept.co:status())
      assert.is_true(weir.is_cancelled(h.raised(kept.co.result, kept.co)))
      kept.co = nil
      collect()
      weir.step()
      assert.same({ "cleanup" }, t:list())
    end)

    it("3.8 one cancelled by hand before it is dropped is not cancelled again", function()
      local function start()
        local co = weir.spawn(function()
          local _, err = pcall(weir.await, weir.Deferred())
          t(err.reason)
          pcall(weir.sleep, 1)
          t "end"
        end)
        co:cancel("by hand")
      end
      start()
      collect()
      weir.step()
      assert.same({ "by hand" }, t:list())
      clock:advance(1)
      collect()
      weir.step()
      assert.same({ "by hand", "end" }, t:list())
    end)

    it("3.8 what it held is collectable when it is cleaned up", function()
      local weak = setmetatable({}, { __mode = "k" })
      local function start()
        local d = weir.Deferred()
        weak[d] = true
        local co = weir.spawn(function()
          local big = {}
          weak[big] = true
          weir.await(d)
          t(big)
        end)
        weak[co] = true
      end
      start()
      collect()
      weir.step()
      assert.is_true(h.released(weak))
      assert.same({}, t:list())
    end)

    it("3.8 which is held where it had given way is cancelled too", function()
      local function start()
        weir.spawn(function()
          local _ <close> = guard(function() t "cleanup" end)
          weir.yield()
          t "never"
        end):pause()
      end
      start()
      collect()
      assert.same({}, t:list())
      weir.step()
      assert.same({ "cleanup" }, t:list())
    end)

    it("3.8 its cancel is not reported, but its cleanup's own error is, once", function()
      abandon "quiet"
      abandon("raises", function() error("from cleanup", 0) end)
      for _ = 1, 3 do
        collect()
        weir.step()
      end
      assert.same({ "quiet" }, t:list())
      assert.equal(1, #reports)
      assert.equal("from cleanup", reports[1].err)
    end)
  end)

  describe("a coroutine that something can reach", function()
    it("3.8 through what it waits on, is left alone", function()
      local d = weir.Deferred()
      local function start() weir.spawn(function() t(weir.await(d)) end) end
      start()
      collect()
      weir.step()
      assert.same({}, t:list())
      d:callback("value")
      assert.same({ "value" }, t:list())
    end)

    it("3.8 through itself, is left alone", function()
      local co = weir.spawn(function() weir.await(weir.Deferred()) end)
      collect()
      weir.step()
      assert.equal("waiting", co:status())
    end)

    it("3.8 through one that awaits it, is left alone", function()
      local function start()
        return weir.spawn(function() weir.await(weir.spawn(function()
          local _ <close> = guard(function() t "inner" end)
          weir.await(weir.Deferred())
        end)) end)
      end
      local co = start()
      collect()
      weir.step()
      assert.same({}, t:list())
      assert.equal("waiting", co:status())
    end)

    it("3.8 through a timer, is left alone", function()
      local function start()
        weir.spawn(function()
          weir.sleep(5)
          t "woken"
        end)
      end
      start()
      collect()
      weir.step()
      clock:advance(4)
      collect()
      clock:advance(1)
      assert.same({ "woken" }, t:list())
    end)

    it("3.8 through the ready queue, is left alone", function()
      local function start()
        weir.spawn(function()
          weir.yield()
          t "woken"
        end)
      end
      start()
      collect()
      weir.step()
      assert.same({ "woken" }, t:list())
    end)
  end)

  describe("lua_close", function()
    local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

    -- The interpreter that runs us.
    local function interpreter()
      local i = 0
      while arg and arg[i - 1] do i = i - 1 end
      return os.getenv("LUA") or i < 0 and arg[i] or "lua5.4"
    end

    -- What a program prints in a process of its own, standard error included, and whether it ended well.
    local function child(program)
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write('local weir = require "weir"\n', [[
        local function guard(f) return setmetatable({}, { __close = f }) end
        local function wait(name, d)
          local _ <close> = guard(function() print(name) end)
          weir.await(d or weir.Deferred())
          print("never")
        end
      ]], program)
      file:close()
      local pipe = assert(io.popen(("LUA_PATH=%s LUA_CPATH=%s %s %s 2>&1")
        :format(quote(package.path), quote(package.cpath), interpreter(), quote(path))))
      local lines = {}
      for line in pipe:lines() do lines[#lines + 1] = line end
      local ok = pipe:close()
      os.remove(path)
      return lines, ok
    end

    it("3.8 a suspended coroutine is closed at once, its cleanup runs, once", function()
      assert.same({ { "end", "closed" }, true }, { child [[
        kept = weir.spawn(wait, "closed")
        print "end"
      ]] })
    end)

    it("3.8 so is one that only its Deferred holds, one that sleeps, one that yielded, a paused one", function()
      local lines, ok = child [[
        d = weir.Deferred()
        weir.spawn(wait, "held", d)
        weir.spawn(wait, "asleep", weir.after(1000))
        weir.spawn(function()
          local _ <close> = guard(function() print "ready" end)
          weir.yield()
        end)
        kept = weir.spawn(wait, "paused")
        kept:pause()
        print "end"
      ]]
      assert.is_true(ok)
      assert.equal("end", table.remove(lines, 1))
      table.sort(lines)
      assert.same({ "asleep", "held", "paused", "ready" }, lines)
    end)

    it("3.8 of a chain of waits each is closed once", function()
      local lines, ok = child [[
        kept = weir.spawn(function()
          local _ <close> = guard(function() print "level1" end)
          weir.await(weir.spawn(wait, "level2", weir.spawn(wait, "level3")))
        end)
        print "end"
      ]]
      assert.is_true(ok)
      assert.equal("end", table.remove(lines, 1))
      table.sort(lines)
      assert.same({ "level1", "level2", "level3" }, lines)
    end)

    it("3.8 one found and cancelled before is not closed again", function()
      assert.same({ { "cancelled", "end" }, true }, { child [[
        weir.spawn(wait, "cancelled")
        for _ = 1, 4 do collectgarbage() end
        weir.step()
        print "end"
      ]] })
    end)

    it("3.8 one found but not yet cancelled is closed once", function()
      assert.same({ { "end", "closed" }, true }, { child [[
        weir.spawn(wait, "closed")
        for _ = 1, 4 do collectgarbage() end
        print "end"
      ]] })
    end)

    it("3.8 one found and still cleaning up is not cleaned up again", function()
      assert.same({ { "first", "end", "outer" }, true }, { child [[
        weir.spawn(function()
          local _ <close> = guard(function() print "outer" end)
          local _ <close> = guard(function()
            print "first"
            weir.sleep(1000)
          end)
          weir.await(weir.Deferred())
        end)
        for _ = 1, 4 do collectgarbage() end
        weir.step()
        print "end"
      ]] })
    end)

    it("3.8 its cleanup may not await there, and pcall is not asked", function()
      assert.same({ { "end", "false" }, true }, { child [[
        kept = weir.spawn(function()
          local _ <close> = guard(function() print((pcall(weir.sleep, 1))) end)
          pcall(weir.await, weir.Deferred())
          print "never"
        end)
        print "end"
      ]] })
    end)

    it("3.8 a finished coroutine has nothing to close", function()
      assert.same({ { "done", "end" }, true }, { child [[
        local d = weir.Deferred()
        kept = weir.spawn(function()
          local _ <close> = guard(function() print "done" end)
          weir.await(d)
        end)
        d:callback()
        print "end"
      ]] })
    end)

    it("3.8 a cleanup that raises there stops neither the others nor the exit", function()
      local lines, ok = child [[
        weir.on_unhandled(function() end)
        a = weir.spawn(function()
          local _ <close> = guard(function() error "in cleanup" end)
          weir.await(weir.Deferred())
        end)
        b = weir.spawn(wait, "other")
        print "end"
      ]]
      assert.is_true(ok)
      assert.same({ "end", "other" }, lines)
    end)

    it("3.8 a cleanup that calls weir there does no harm", function()
      local lines, ok = child [[
        weir.on_unhandled(function() end)
        local d = weir.Deferred()
        local other = weir.spawn(wait, "other", d)
        kept = weir.spawn(function()
          local me = weir.current()
          local _ <close> = guard(function()
            for _, f in ipairs {
              function() weir.spawn(print) end,
              function() d:callback() end,
              function() other:cancel() end,
              function() other:close() end,
              function() me:cancel() end,
              function() me:close() end,
              function() weir.step() end,
              function() weir.run() end,
              function() weir.after(1) end,
              function() weir.noreturn(print) end,
              function() collectgarbage() end,
            } do pcall(f) end
            print "closed"
          end)
          weir.await(weir.Deferred())
        end)
        print "end"
      ]]
      local closed = 0
      for _, line in ipairs(lines) do if line == "closed" then closed = closed + 1 end end
      assert.is_true(ok)
      assert.equal("end", lines[1])
      assert.equal(1, closed)
    end)
  end)
end)
