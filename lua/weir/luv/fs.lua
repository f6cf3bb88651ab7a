--- The functions `fs_...` of luv, each returning a Deferred.
local check = require "weir.check"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local loop = require "weir.luv.loop"
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

-- How many of the first arguments are descriptors of open files.
local ON_FDS = {
  read = 1, write = 1, fstat = 1, fsync = 1, fdatasync = 1, ftruncate = 1, fchmod = 1, fchown = 1, futime = 1,
  sendfile = 2,
}

-- Not called back once.
local OTHERS = { event = true, poll = true, scandir_next = true }

-- A thread may be at work for an operation that was cancelled: before it is through, the number of its file must not
-- become another's, nor may its directory be freed.
local under_way = {} -- descriptor or directory -> how many
local closing = {} -- descriptor or directory -> what is to be done when none is

local function hold(files)
  for _, file in ipairs(files) do under_way[file] = (under_way[file] or 0) + 1 end
end

local function release(files)
  for _, file in ipairs(files) do
    local left = under_way[file] - 1
    under_way[file] = left > 0 and left or nil
    if left == 0 and closing[file] then closing[file]() end
  end
end

-- As promisify.call does it, while nobody closes the files.
local function call_on(files, name, f, ...)
  hold(files)
  local ok, deferred, raised = pcall(promisify.try, { on_end = function() release(files) end }, f, ...)
  if ok and deferred then return deferred end
  release(files)
  check.blame(ok and raised or deferred, name, 2) -- behind a tail call
end

local function on_fds(name, n, f)
  return function(...)
    local arguments, files = table.pack(...), {}
    for i = 1, n do files[i] = check.integer(arguments[i], math.mininteger, i, name) end
    return call_on(files, name, f, table.unpack(table.move(files, 1, n, 1, arguments), 1, arguments.n))
  end
end

-- To be done in any case.
local lasting = { withdraw = ignore }

-- Closes what is not in use, or will not be. A cancel does not keep it open.
local function close_behind(file, close_now)
  if not under_way[file] then return close_now(file) end
  if closing[file] then return core.fail(failure "EBADF") end
  local closed = core.Deferred()
  closing[file] = function()
    closing[file] = nil
    close_now(file):chain(closed)
  end
  return closed
end

local function close_fd(fd)
  return promisify.call(lasting, uv.fs_close, fd)
end

local function close(fd)
  return close_behind(check.integer(fd, math.mininteger, 1, "close"), close_fd)
end

-- ---- directories ----

local has_closed = setmetatable({}, { __mode = "k" }) -- luv would free it twice

local function check_dir(dir, name)
  local meta = getmetatable(dir)
  local is_dir = type(dir) == "userdata" and type(meta) == "table" and meta.__name == "uv_dir"
  if not is_dir then error(("bad argument #1 to '%s' (uv_dir expected)"):format(name), 3) end
end

-- luv has the callback before the number of entries.
local function open_with(path, entries, callback)
  return uv.fs_opendir(path, callback, entries)
end

local function opendir(path, entries)
  check.that(type(path) == "string", 1, "opendir", "string expected")
  if entries ~= nil then entries = check.integer(entries, 1, 2, "opendir") end
  return promisify.call({ discard = DISCARD.opendir }, open_with, path, entries)
end

-- The state may be closed meanwhile.
local function readdir(dir)
  check_dir(dir, "readdir")
  if has_closed[dir] then return core.fail(failure "EBADF") end
  return call_on({ loop.own(dir) }, "readdir", uv.fs_readdir, dir)
end

local function close_dir(dir)
  return promisify.call(lasting, uv.fs_closedir, dir)
end

local function closedir(dir)
  check_dir(dir, "closedir")
  if has_closed[dir] then return core.fail(failure "EBADF") end
  has_closed[dir] = true
  return close_behind(dir, close_dir)
end

local fs = {}
for full_name, f in pairs(uv) do
  local name = full_name:match "^fs_(.*)"
  if name and not (OTHERS[name] or OTHERS[name:match "^%a+"]) then
    fs[name] = promisify.named(name, { discard = DISCARD[name] }, f)
  end
end
for name, n in pairs(ON_FDS) do fs[name] = on_fds(name, n, uv["fs_" .. name]) end
fs.close, fs.opendir, fs.readdir, fs.closedir = close, opendir, readdir, closedir

return fs
