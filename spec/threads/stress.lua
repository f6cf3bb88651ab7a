-- Driven by stress.c: makes Deferreds, gives their handles to its threads, and says what came of each.
local weir, post, settled, outstanding, wait, set_wake, random = ...

local function settle(i, ok, value)
  local kind = ok and "success" or weir.is_cancelled(value) and "cancelled" or "failure"
  settled(i, kind, type(value) == "table" and value.name or value)
end

-- Passes until no more than n are left: it is woken when there is mail.
local function reduce(n)
  while outstanding() > n do
    if weir.step() ~= 0 and outstanding() > n then wait() end
  end
end

-- A host that has a loop of its own; at most `most` at a time.
local function host(first, last, most)
  local late = {}
  for i = first, last do
    local d = weir.Deferred()
    d:add_both(function(ok, value) settle(i, ok, value) end)
    if post(i, d) == "cancel" then late[#late + 1] = d end
    if #late > 16 then table.remove(late, random(#late)):cancel() end
    if i % 1000 == 0 then set_wake(i // 1000 % 2) end
    if i % 64 == 0 then weir.step() end
    reduce(most)
  end
  for _, d in ipairs(late) do d:cancel() end
  reduce(0)
end

-- Coroutines in the loop of weir, which sleeps when there is no mail.
local function loop(first, last, most)
  weir.run(function()
    local room = weir.Semaphore(most)
    for i = first, last do
      weir.await(room:acquire())
      weir.spawn(function()
        local d = weir.Deferred()
        if post(i, d) == "cancel" then
          weir.spawn(function()
            for _ = 1, random(3) do weir.yield() end
            d:cancel()
          end)
        end
        settle(i, pcall(weir.await, d))
        room:release()
      end)
    end
  end)
  weir.run()
end

-- Ends in the middle, and the state is closed.
local function abandoned(first, last)
  for i = first, last do
    local d = weir.Deferred()
    d:add_both(function(ok, value) settle(i, ok, value) end)
    post(i, d)
    if random(50) == 1 then weir.step() end
    if i > (first + last) // 2 and random(100) == 1 then return end
  end
end

return host, loop, abandoned
