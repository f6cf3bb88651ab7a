--- Cancel and close: what was not reached can be cancelled again; nobody is forgotten.
local help = require "spec.oom.help"
local weir = require "weir"

local ENDED = { success = true, failure = true, cancelled = true }

-- Cancels again, fires what is shared, and closes by force what hangs.
local function end_all(x)
  if x.shared then help.fire_again(x.shared, 1) end
  for _, d in ipairs(x.list) do d:cancel() end
  weir.step()
  for _, d in ipairs(x.list) do
    if not (x.shared or ENDED[d:status()]) then d:close() end
  end
  weir.step()
end

local function check_ended(x)
  end_all(x)
  for _, d in ipairs(x.list) do
    assert(ENDED[d:status()], tostring(d))
    pcall(d.result, d)
  end
  help.assert_works()
end

local function cancelling(prepare, act)
  return { prepare = prepare, act = act or function(x) x.top:cancel "why" end, check = check_ended }
end

local function chain(depth)
  return function()
    local x = { d = weir.Deferred(), list = {} }
    local last = x.d
    for i = 1, depth do
      local below = last
      last = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() end })
        return (weir.await(below))
      end)
      x.list[i] = last
    end
    x.top = last
    return x
  end
end

local function sleepers()
  local x = { list = {} }
  for i = 1, 150 do x.list[i] = weir.spawn(weir.sleep, 1000 + i % 7) end
  x.top = weir.spawn(function() return weir.await(weir.all(x.list)) end)
  x.list[#x.list + 1] = x.top
  return x
end

local function hooked()
  local x = { list = {} }
  x.d = weir.Deferred { cancel = function(d) d:callback(1) end, pause = function() end, unpause = function() end }
  x.list[1] = weir.spawn(weir.await, x.d)
  x.top = x.list[1]
  x.top:pause()
  return x
end

-- regression 180: the one that leaves was a waiter no more, and not told, without memory for its grace time.
local function shared()
  local x = { shared = weir.Deferred() }
  local other = weir.spawn(weir.await, x.shared)
  x.top = weir.spawn(function() return (pcall(weir.await, x.shared)) end)
  x.list = { x.top, other }
  return x
end

local function stubborn()
  local x = { list = {} }
  x.top = weir.spawn(function()
    while true do pcall(weir.await, weir.Deferred()) end
  end)
  x.list[1] = x.top
  return x
end

local function handlers_that_wait()
  local x = { list = {}, d = weir.Deferred() }
  x.top = weir.spawn(function()
    local _ <close> = setmetatable({}, { __close = function() weir.await(weir.spawn(weir.yield)) end })
    weir.await(x.d)
  end)
  x.list[1] = x.top
  return x
end

local function close(x) x.top:close() end
local function cancel_and_step(x)
  x.top:cancel()
  for _ = 1, 4 do weir.step() end
end

return {
  cancelling(chain(1)), cancelling(chain(3)), cancelling(chain(150)), cancelling(chain(150), close),
  cancelling(sleepers), cancelling(hooked), cancelling(shared), cancelling(stubborn), cancelling(stubborn, close),
  cancelling(handlers_that_wait, cancel_and_step), cancelling(handlers_that_wait, close),
}
