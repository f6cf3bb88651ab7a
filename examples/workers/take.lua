--- Takes jobs, as many as there are free slots: those that have got stuck elsewhere first, now and then, else new ones.
local weir = require "weir"

local MOST = 100 -- at a time
local WAIT = 0.5 -- seconds in Redis

-- Awaits a slot; takes those with it that are free.
local function take_slots(slots)
  weir.await(slots:acquire())
  for n = 1, MOST - 1 do
    local is_none_free = slots:acquire():cancel()
    if is_none_free then return n end
  end
  return MOST
end

-- Looks twice in the time of a lease through what others have.
local function stuck(crew, self, n)
  if weir.now() < self.claim_at then return {} end
  local items
  items, self.cursor = crew.queue:claim(self.connection, crew.name, n, crew.options.lease, self.cursor)
  if self.cursor == "0-0" then self.claim_at = weir.now() + crew.options.lease / 2 * (0.5 + math.random()) end
  if #items > 0 then crew:log("has claimed %d", #items) end
  return items
end

local function take(crew, self, n)
  local items = stuck(crew, self, n)
  if #items > 0 then return items end
  return crew.queue:read(self.connection, crew.name, n, WAIT)
end

-- A cancel does not break the reading off: who has been given jobs must know of it. `crew.taken` fires when that ends.
local function take_in_peace(crew, self, n)
  crew.taken = weir.spawn(take, crew, self, n)
  return weir.await(weir.shield(crew.taken))
end

--- Until it is cancelled.
return function(crew, jobs)
  local self = { connection = crew.queue:connection(WAIT), claim_at = 0, cursor = "0-0" }
  while true do
    local n = take_slots(crew.slots)
    local items = take_in_peace(crew, self, n)
    for _, item in ipairs(items) do crew:start(jobs, item) end
    for _ = #items + 1, n do crew.slots:release() end
  end
end
