--- What is still to be sent to one connection: a bounded queue, and a coroutine that writes what is in it.
-- While the queue is full whoever puts something in has to wait. That slows down one who says more than the others can
-- read; but nobody may hold up the others for long, so one who takes nothing meanwhile is given up.
local weir = require "weir"

-- `alarm` is set while the queue is full. `last` is to be written behind all else.
local Outbox = {}
Outbox.__index = Outbox

local function calm(self)
  if not self.alarm then return end
  self.alarm:cancel()
  self.alarm = nil
end

-- All that is there, for one write.
local function rest_of(queue, line)
  if #queue == 0 then return line end
  local lines = { line }
  while #queue > 0 do lines[#lines + 1] = weir.await(queue:get()) end
  return lines
end

local function write_all(self)
  for line in self.queue:iter() do
    self.stream:write(rest_of(self.queue, line))
    calm(self)
  end
  if self.last then self.stream:write(self.last) end
end

-- What it has not been sent is not sent any more.
local function give_up(self)
  self.on_end "you read too slowly"
  self.queue:close()
  while #self.queue > 0 do self.queue:get() end
end

--- @param on_end called, with a text or an error, when nothing can be sent any more
function Outbox.new(stream, options, on_end)
  local self = setmetatable({ stream = stream, queue = weir.Queue(options.queue), patience = options.patience,
    on_end = on_end }, Outbox)
  self.writer = weir.spawn(write_all, self)
  self.writer:add_errback(function(err)
    if not weir.is_cancelled(err) then on_end(err) end
  end)
  return self
end

--- @return Deferred that fires when the line is in; it fails when that cannot be any more
function Outbox:put(line)
  local put = self.queue:put(line)
  if not self.alarm and put:status() == "pending" then
    self.alarm = weir.after(self.patience)
    self.alarm:add_callback(function() give_up(self) end)
  end
  return put
end

--- Puts it in if there is room; else nobody misses it.
function Outbox:offer(line)
  self.queue:put(line):cancel()
end

--- Nothing comes behind that line.
--- @return Deferred that fires when all has been written
function Outbox:finish(line)
  self.last = line
  self.queue:close()
  return self.writer
end

--- The end, whatever has not been sent. Those who wait to put something in go on.
function Outbox:close()
  calm(self)
  self.queue:close()
  self.writer:close()
end

return Outbox
