-- A program to look into: lua examples/console/kitchen.lua PATH
-- Two coroutines each wait for the lock that the other one has, a third one is paused by somebody who has forgotten it.
-- With PATH there is a console: ask it with examples/console.lua, and cancel one of them.
local luv = require "weir.luv"
local weir = require "weir"

local stove, knife = weir.Lock(), weir.Lock()

local function with_both(first, second)
  local _ <close> = weir.await(first:acquire())
  weir.sleep(0.01)
  local _ <close> = weir.await(second:acquire())
  weir.sleep(0.01)
end

local cook = weir.coroutine(function() with_both(stove, knife) end, "cook")
local helper = weir.coroutine(function() with_both(knife, stove) end, "helper")
local waiter = weir.coroutine(function() weir.sleep(1) end, "waiter")

luv.run(function()
  local _ <close> = luv.console(arg[1])
  local all = weir.settle { cook = cook(), helper = helper(), waiter = waiter():pause() }
  local alive = weir.every(3600, function() end) -- without it the loop would see that nothing can go on
  weir.await(all)
  alive:cancel()
  print "dinner is served"
end)
