-- A look inside a program that hangs: who waits for whom, and why.
-- `lua examples/inside.lua graph` prints the same for Graphviz; `make graph` draws it.
local weir = require "weir"

local config = weir.coroutine(function()
  weir.await(weir.Deferred()) -- the answer of a server that has forgotten us
end, "config")()

local function load(name, what)
  return weir.coroutine(function() weir.await(what) end, name)
end

-- A scope, whose children all wait for the same; one of them may not cancel it.
local shop = weir.coroutine(function()
  weir.await(weir.scope(function(scope)
    scope:spawn(load("prices", config))
    scope:spawn(load("stock", weir.shield(config)))
    weir.sleep(60)
  end))
end, "shop")

-- Somebody has paused this one and forgotten it.
local newsletter = weir.coroutine(function() weir.sleep(5) end, "newsletter")

-- Each of these waits for the other.
local pair = {}
local hanging = shop()
newsletter():pause()
pair.hen = weir.coroutine(function() weir.yield(); weir.await(pair.egg) end, "hen")()
pair.egg = weir.coroutine(function() weir.await(weir.all { pair.hen, weir.after(9) }) end, "egg")()
weir.step()

if arg[1] == "graph" then
  io.write(weir.graph())
else
  print(weir.tree())
  print("shop: " .. hanging:why())
end
