--- The functions `fs_...` of luv, each returning a Deferred.
local check = require "weir.check"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local promisify = require "weir.luv.promisify"
local uv = require "weir.luv.uv"

local function ignore() end

-- What a cancelled one has made is nobody's.
local DISCARD = {
  open = function(fd) uv.fs_close(fd, ignore) end,
  opendir = function(dir) uv.fs_closedir(dir, ignore) end,
  mkdtemp = function(path) uv.fs_rmdir(path, ignore) end,
  mkstemp = function(fd, path)
    uv.fs_close(fd, ignore)
    uv.fs_unlink(path, ignore)
  end,
}

local ON_FD = { "read", "write", "fstat", "fsync", "fdatasync", "ftruncate", "fchmod", "fchown", "futime", "sendfile" }

-- Not called back once.
local OTHERS = { event = true, poll = true, scandir_next = true }

-- A thread may be at work for an operation that was cancelled: the number of its file must not become another's before
-- it is through.
local under_way = {} -- fd -> how many
local closing = {} -- fd -> what is to be done when none is

local function hold(fd)
  under_way[fd] = (under_way[fd] or 0) + 1
end

local function release(fd)
  local left = under_way[fd] - 1
  under_way[fd] = left > 0 and left or nil
  if left == 0 and closing[fd] then closing[fd]() end
end

local function on_fd(name, f)
  return function(fd, ...)
    fd = check.integer(fd, math.mininteger, 1, name)
    hold(fd)
    local ok, deferred, raised = pcall(promisify.try, { on_end = function() release(fd) end }, f, fd, ...)
    if ok and deferred then return deferred end
    release(fd)
    check.blame(ok and raised or deferred, name, 2)
  end
end

-- To be done in any case.
local lasting = { withdraw = ignore }

local function close_now(fd)
  return promisify.call(lasting, uv.fs_close, fd)
end

-- A cancel does not keep it open.
local function close(fd)
  fd = check.integer(fd, math.mininteger, 1, "close")
  if not under_way[fd] then return close_now(fd) end
  if closing[fd] then return core.fail(failure "EBADF") end
  local closed = core.Deferred()
  closing[fd] = function()
    closing[fd] = nil
    close_now(fd):chain(closed)
  end
  return closed
end

local fs = {}
for full_name, f in pairs(uv) do
  local name = full_name:match "^fs_(.*)"
  if name and not (OTHERS[name] or OTHERS[name:match "^%a+"]) then
    fs[name] = promisify.named(name, { discard = DISCARD[name] }, f)
  end
end
for _, name in ipairs(ON_FD) do fs[name] = on_fd(name, uv["fs_" .. name]) end
fs.close = close
fs.closedir = promisify.named("closedir", lasting, uv.fs_closedir)

return fs
