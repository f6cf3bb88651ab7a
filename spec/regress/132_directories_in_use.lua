-- A directory was closed, by hand, by the collector or with the state, while a thread read it for a `readdir` that had
-- been cancelled; luv frees one twice that is closed twice. `opendir` could not be told how many entries are wanted.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local h = require "spec.helper"
local x = require "spec.uv"

local DIRECTORY = "/usr/bin"

describe("regression 132", function()
  after_each(x.assert_nothing_left)

  it("one that is read is closed behind that, also if the reader has been cancelled", function()
    x.run(function()
      local dir = weir.await(luv.fs.opendir(DIRECTORY, 100000))
      local reading = luv.fs.readdir(dir)
      reading:cancel()
      local closing = luv.fs.closedir(dir)
      assert.equal("pending", closing:status())
      assert.is_true(weir.await(closing))
    end)
  end)

  it("it is not closed twice, nor read behind that", function()
    x.run(function()
      local dir = weir.await(luv.fs.opendir(DIRECTORY))
      assert.is_true(weir.await(luv.fs.closedir(dir)))
      assert.equal("EBADF", h.raised(weir.await, luv.fs.closedir(dir)).code)
      assert.equal("EBADF", h.raised(weir.await, luv.fs.readdir(dir)).code)
    end)
  end)

  it("one that is dropped while it is read is collected behind that", function()
    x.run(function()
      local kept = setmetatable({ weir.await(luv.fs.opendir(DIRECTORY, 100000)) }, { __mode = "k" })
      local seen = setmetatable({ [kept[1]] = true }, { __mode = "k" })
      local reading = luv.fs.readdir(kept[1])
      kept[1] = nil
      reading:cancel()
      h.collect()
      assert.is_not_nil(next(seen))
      while next(seen) do
        weir.await(luv.work(function() end)())
        h.collect()
      end
    end)
  end)

  it("a program may end meanwhile", function()
    local output, how, status = x.program(([[
      local weir, luv = require "weir", require "weir.luv"
      luv.run(function()
        for _ = 1, 3 do luv.fs.readdir(weir.await(luv.fs.opendir(%q, 100000))) end
        os.exit(3, true)
      end)
    ]]):format(DIRECTORY))
    assert.same({ "", "exit", 3 }, { output, how, status })
  end)

  it("opendir takes the number of entries", function()
    x.run(function()
      local counts = {}
      for i, entries in ipairs { 1, 2, 3 } do
        local dir = weir.await(luv.fs.opendir(DIRECTORY, entries))
        counts[i] = #weir.await(luv.fs.readdir(dir))
        weir.await(luv.fs.closedir(dir))
      end
      assert.same({ 1, 2, 3 }, counts)
      assert.is_true(weir.await(luv.fs.closedir(weir.await(luv.fs.opendir(DIRECTORY, nil)))))
    end)
  end)

  it("8.4 it and the others look at what they get", function()
    local function message(name, ...) return (h.raised(luv.fs[name], ...):gsub("^%S+:%d+: ", "")) end
    assert.equal("bad argument #1 to 'opendir' (string expected)", message "opendir")
    assert.equal("bad argument #2 to 'opendir' (must be at least 1)", message("opendir", "/", 0))
    assert.equal("bad argument #1 to 'readdir' (uv_dir expected)", message("readdir", io.stdout))
    assert.equal("bad argument #1 to 'closedir' (uv_dir expected)", message "closedir")
  end)
end)
