--- luv, loaded where it can call back: it runs every callback on the Lua thread that loaded it first, and a coroutine
-- that is suspended, or has ended, by then is no place for that.
-- It is kept in the registry: its loop goes when its module is dropped, as busted does it, and is missing when that is
-- loaded again.
local registry = debug.getregistry()

local function in_coroutine()
  local _, is_main = coroutine.running()
  return not is_main
end

local uv = registry["weir.luv.uv"] or package.loaded.luv
if not uv and in_coroutine() then
  error("attempt to load luv inside a coroutine: require it, or weir.luv, before", 0)
end
uv = uv or require "luv"
registry["weir.luv.uv"] = uv
package.loaded.luv = uv

return uv
