--- The lease: tells Redis, three times in that time, that this worker is there, and at work at what it has taken.
local weir = require "weir"

local function items_of(crew)
  local list = {}
  for _, item in pairs(crew.held) do list[#list + 1] = item end
  return list
end

local function heed(crew, entry, what, why)
  if what == "drain" then return crew:drain() end
  local item = crew.held[entry]
  if item and item:stop(what, why or "lease lost") then crew:log("job %s: %s", item.id, why or "has lost its lease") end
end

local function renew(crew)
  for _, news in ipairs(crew.queue:renew(crew.name, items_of(crew))) do heed(crew, table.unpack(news)) end
end

--- For ever. `crew.renewed` fires when what is under way has ended; a cancel does not break it off.
return function(crew)
  while true do
    crew.renewed = weir.spawn(renew, crew)
    weir.await(weir.shield(crew.renewed))
    weir.sleep(crew.options.lease / 3)
  end
end
