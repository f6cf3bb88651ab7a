--- What any worker does for all: puts those back into the stream whose pause is over, and forgets lost workers.
local weir = require "weir"

local FORGET = 10 -- leases

--- For ever.
return function(crew)
  local sweep_at = 0
  while true do
    local left = crew.queue:promote()
    weir.sleep(math.min(left or math.huge, crew.options.tick))
    if weir.now() >= sweep_at then
      sweep_at = weir.now() + crew.options.lease
      crew.queue:sweep(FORGET * crew.options.lease)
    end
  end
end
