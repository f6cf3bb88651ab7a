-- Pause and cancel reach down a whole tree of coroutines.
--
-- root awaits level2, level2 awaits level3, and level3 counts the seconds.
-- Nobody but this file's last lines knows about pausing or cancelling, and
-- they only ever touch root. Takes nine seconds of real time.

local weir = require "weir"

io.stdout:setvbuf "line" -- a demo is for watching, through a pipe too

-- A <close> variable is Lua's `finally`: it runs however the coroutine ends.
local function cleanup(name)
  return setmetatable({}, {
    __close = function()
      print(name .. " stopped; cleaning up...")
    end,
  })
end

local start = weir.now()

local level3 = weir.coroutine(function()
  local _ <close> = cleanup "level3"
  while true do
    -- A timer may be late but never early; the tenth absorbs float rounding.
    print(("iterating: %ds passed"):format((weir.now() - start + 0.1) // 1))
    weir.sleep(1)
  end
end)

local level2 = weir.coroutine(function()
  local _ <close> = cleanup "level2"
  weir.await(level3())
end)

local root = weir.coroutine(function()
  local _ <close> = cleanup "root"
  weir.await(level2())
end)

-- The switches are armed before the tree is started. Timers fire in order of
-- their deadlines, and of two equal ones the first armed goes first: so at
-- 3 s the pause always beats level3, whose third second began a little later.
local tree

weir.after(3):add_callback(function()
  tree:pause() -- level3's sleep freezes and keeps what was left of its second
end)

weir.after(6):add_callback(function()
  tree:unpause() -- almost nothing was left: level3 goes on at once
end)

weir.after(9):add_callback(function()
  tree:cancel() -- the innermost cleans up first, then who awaited it
end)

tree = root() -- runs down to level3's first sleep before it returns
weir.run() -- until there is nothing left to do
