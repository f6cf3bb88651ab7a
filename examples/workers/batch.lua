--- Many calls as one: those that come while one is under way go together in the next one.
local weir = require "weir"

-- `items` and `answers`, Deferreds, of those that wait; `sender` is there while it is at work.
local Batch = {}
Batch.__index = Batch

--- @param f called with a list of items, awaits the list of answers
function Batch.new(f)
  return setmetatable({ f = f, items = {}, answers = {} }, Batch)
end

-- One who has been cancelled meanwhile does not hear of it.
local function send(self)
  local items, answers = self.items, self.answers
  self.items, self.answers = {}, {}
  local ok, result = pcall(self.f, items)
  for i, answer in ipairs(answers) do
    if ok then answer:callback(result[i]) else answer:errback(result) end
  end
end

local function send_all(self)
  weir.yield() -- for those that come in the same turn
  while #self.items > 0 do send(self) end
  self.sender = nil
end

--- Awaits the answer for one item.
function Batch:call(item)
  local answer = weir.Deferred()
  table.insert(self.items, item)
  table.insert(self.answers, answer)
  if not self.sender then self.sender = weir.spawn(send_all, self) end
  return weir.await(answer)
end

return Batch
