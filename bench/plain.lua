--- What several baselines share: plain coroutines, as a program without weir uses them.
local create, resume, yield, close = coroutine.create, coroutine.resume, coroutine.yield, coroutine.close

local plain = {}

function plain.empty() end

--- A new coroutine for each of n calls of a body that returns at once.
function plain.spawn(n)
  local body = plain.empty
  for _ = 1, n do
    resume(create(body))
  end
end

local function wait()
  return yield()
end

--- n coroutines, each run up to its yield, in a list; a new one if none is given.
function plain.suspended(n, list)
  list = list or {}
  for i = 1, n do
    local co = create(wait)
    resume(co)
    list[i] = co
  end
  return list
end

--- What coroutine.close of n suspended coroutines costs: the part to be timed.
function plain.closing(n)
  local list = plain.suspended(n)
  return function()
    for i = 1, n do
      assert(close(list[i]))
    end
  end
end

return plain
