-- Cancelling a coroutine cancels the Deferred it waits on.
--
-- A worker asks for a message, which takes a second to come, and processes
-- it, for ever. After three seconds we stop it in the middle of its third
-- wait: whoever was to deliver is told, then the worker cleans up.

local weir = require "weir"

io.stdout:setvbuf "line" -- a demo is for watching, through a pipe too

-- Stands for any source that answers by a call: a socket, a C library, a GUI.
-- Its canceller is what makes it a good citizen: told that nobody wants the
-- answer any more, it stops the work instead of doing it for nothing.
local function get_message()
  print "getting a message..."
  local work = weir.after(1)
  local message = weir.Deferred(function()
    work:cancel()
    print "cancelled getting a message"
  end)
  work:add_callback(function()
    message:callback("dummy-message")
  end)
  return message
end

local worker = weir.coroutine(function()
  local _ <close> = setmetatable({}, {
    __close = function()
      print "coroutine stopped, cleaning up"
    end,
  })
  while true do
    local message = weir.await(get_message())
    print("processing message: " .. message)
  end
end)

-- Armed before the worker starts, so that at 3 s it comes before the third
-- message, which was asked for a moment later than at 2 s.
local stop = weir.after(3)

local running = worker()
stop:add_callback(function()
  running:cancel()
end)

weir.run() -- until there is nothing left to do
