--- A turn of each coroutine through the scheduler.
local weir = require "weir"
local resume, yield = coroutine.resume, coroutine.yield
local give_way = weir.yield

local function turns(n)
  for _ = 1, n do
    give_way()
  end
end

local function switch(coroutines)
  return function(n)
    for _ = 1, coroutines do
      weir.spawn(turns, n // coroutines)
    end
    weir.run()
  end
end

local function forever()
  while true do
    yield()
  end
end

local function plain_switch(coroutines)
  return function(n)
    local list = {}
    for i = 1, coroutines do
      list[i] = coroutine.create(forever)
    end
    for _ = 1, n // coroutines do
      for i = 1, coroutines do
        resume(list[i])
      end
    end
  end
end

local function row(name, coroutines)
  return {
    name = name,
    n = 2000000,
    target = 0.75,
    workload = switch(coroutines),
    baseline = plain_switch(coroutines),
  }
end

return {
  row("switch, one coroutine", 1),
  row("switch, 1,000 coroutines", 1000),
}
