--- Hears of cancels and drains at once. What is missed here is noticed with the lease.
local function cancel(crew, id, why)
  for _, item in pairs(crew.held) do
    if item.id == id then item:stop("cancelled", why) end
  end
end

local function heed(crew, text)
  local what, name, why = text:match "^(%a+) (%S+) ?(.*)$"
  if what == "cancel" then cancel(crew, name, why) end
  if what == "drain" and name == crew.name then crew:drain() end
end

--- For ever.
return function(crew)
  crew.queue:connection():call(function(client)
    client:subscribe(crew.queue.key .. ":control")
    while true do heed(crew, client:next_message()[3]) end
  end)
end
