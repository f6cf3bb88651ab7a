--- A job that a worker has taken: an entry of the stream, and what runs for it.

-- `co` is there while the job's function runs; `why` once that is not to go on: "cancelled", "lost", "drain".
-- `is_ending`: what has come of it is being told.
local Item = {}
Item.__index = Item

--- @param taken { entry =, id = }
function Item.new(taken)
  return setmetatable(taken, Item)
end

--- The job is not to go on, or not to begin.
--- @return whether that was news
function Item:stop(why, text)
  if self.why or self.is_ending then return false end
  self.why, self.text = why, text
  if self.co then self.co:cancel(text) end
  return true
end

return Item
