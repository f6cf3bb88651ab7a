--- The place of a local socket that only its owner can open, from the first moment on.
-- It is made in a directory that nobody else may enter, and comes to its place by a link, which fails if anything is
-- there by then.
local failure = require "weir.luv.failure"
local uv = require "weir.luv.uv"

local LONGEST = 100 -- bytes of a path that every system has room for
local TEMPLATE, NAME = "/.weirXXXXXX", "/s"

local place = {}

local function try(ok, message)
  if not ok then error(failure(message), 0) end
  return ok
end

local function directory_of(path)
  return path:match "^(.*)/[^/]*$" or "."
end

--- Is the path one that a socket can have?
function place.is_valid(path)
  local longest = math.max(#path, #directory_of(path) + #TEMPLATE + #NAME)
  return longest <= LONGEST and path:find "[^/]$" ~= nil and not path:find "%z"
end

--- What is there: nil, "socket" or something else.
function place.kind_of(path)
  local stat, message = uv.fs_lstat(path)
  if stat then return stat.type end
  if not message:find "^ENOENT" then error(failure(message), 0) end
end

local function bind_in(handle, directory, path)
  local name = directory .. NAME
  try(uv.pipe_bind(handle, name))
  local ok, message = uv.fs_chmod(name, 384) -- 0600
  if ok then ok, message = uv.fs_link(name, path) end
  local stat = uv.fs_lstat(name)
  uv.fs_unlink(name)
  try(ok, message)
  return { path = path, dev = stat.dev, ino = stat.ino }
end

--- Binds a pipe to a path where nothing is.
--- @return what `remove` wants to have
function place.bind(handle, path)
  local directory, message = uv.fs_mkdtemp(directory_of(path) .. TEMPLATE)
  try(directory, message and message:gsub("[^:]*$", function() return " " .. path end))
  local ok, bound = pcall(bind_in, handle, directory, path)
  uv.fs_rmdir(directory)
  if not ok then error(bound, 0) end
  return bound
end

--- Removes the file, if it is still that one.
function place.remove(bound)
  local stat = uv.fs_lstat(bound.path)
  if stat and stat.dev == bound.dev and stat.ino == bound.ino then uv.fs_unlink(bound.path) end
end

return place
