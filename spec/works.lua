--- Whatever has happened: everything still works.
local weir = require "weir"

return function()
  local d = weir.Deferred()
  local co = weir.spawn(function()
    weir.yield()
    return weir.await(d)
  end)
  weir.step()
  d:callback "works"
  weir.step()
  assert(co:result() == "works")
end
