--- Streams over handles that are there, or over file descriptors.
local check = require "weir.check"
local failure = require "weir.luv.failure"
local streams = require "weir.luv.stream"
local uv = require "weir.luv.uv"

local stdio = {}

local KINDS = { tcp = true, pipe = true, tty = true }

--- @param handle of luv: tcp, pipe or tty
--- @return Stream, to which it belongs from now on
function stdio.stream(handle, options)
  local kind = type(handle) == "userdata" and uv.handle_get_type(handle)
  check.that(KINDS[kind], 1, "stream", "tcp, pipe or tty expected")
  options = check.options(options, streams.options, 2, "stream")
  return streams.new(handle, options.limit)
end

local OPEN = {
  tty = function(fd) return uv.new_tty(fd, fd == 0) end,
  pipe = function(fd)
    local pipe = uv.new_pipe()
    return pipe, select(2, pipe:open(fd))
  end,
  tcp = function(fd)
    local tcp = uv.new_tcp()
    return tcp, select(2, tcp:open(fd))
  end,
}

--- @param fd integer, 0 for standard input, 1 for standard output, 2 for standard error
--- @return Stream of a terminal, pipe or connection
function stdio.stdio(fd, options)
  fd = check.integer(fd, 0, 1, "stdio")
  local kind = uv.guess_handle(fd)
  check.that(OPEN[kind], 1, "stdio", "not a stream" .. (kind and " but a " .. kind or ""))
  options = check.options(options, streams.options, 2, "stdio")
  local handle, message = OPEN[kind](fd)
  if not message then return streams.new(handle, options.limit) end
  if handle then handle:close() end
  error(failure(message), 0)
end

return stdio
