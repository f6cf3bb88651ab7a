--- What comes in on a stream of libuv, and one who waits for it.
-- libuv reads on while nobody waits, up to `limit` bytes, but keeps no loop alive then. It does not read while the one
-- who waits is held.
local Buffer = require "weir.luv.buffer"
local core = require "weir.core".functions
local failure = require "weir.luv.failure"
local loop = require "weir.luv.loop"

local WEAK = { __mode = "v" }

local claim, flows, leaving = core.claim, core.flows, core.leaving
local fire = core.Deferred().callback

-- `waiter`: a Deferred that fires when there is what is wanted, see `has`. Somebody waits while it is pending; nobody
-- else has it, so it is used again. `owner` must not be collected before; `timer` fires it none the less; `held_for`:
-- how long the last one was held. `ended`: nothing more will come. `err`: why, if that is not the end of the stream.
-- `reads` and `refs`: what the handle has been told. `flows`: the waiter of one who wants anything, while the handle
-- has been told both and there is nothing: then pieces go through it from `on_read` to `takers.next` by themselves,
-- by the `flow` that these share. The latter has the Stream, which may be collected while libuv has the inbox: so it is
-- held weakly.
local Inbox = {}
Inbox.__index = Inbox

local function set_flow(self, waiter)
  if self.flows == waiter then return end
  self.flows = waiter
  flows(self.flow, waiter, self.takers and self.takers.next, self.owner, self.handle)
end

local function read_on(self)
  if self.reads or self.ended or loop.is_over() then return end
  self.reads = true
  local ok, message = self.handle:read_start(self.on_read)
  if not ok then self.on_read(message) end
end

local function read_no_more(self)
  set_flow(self, nil)
  if not self.reads or loop.is_over() then return end
  self.reads = false
  self.handle:read_stop()
end

local function keep_alive(self)
  self.refs = true
  self.handle:ref()
end

--- Does somebody wait? One who has been cancelled does not.
function Inbox:is_awaited()
  return self.waiter ~= nil and not leaving(self.waiter)
end

-- Nobody waits: enough may have come.
local function rest(self)
  self.owner = nil
  set_flow(self, nil)
  if self.ended or loop.is_over() then return end
  if self.refs then
    self.refs = false
    self.handle:unref()
  end
  if self.buffer.size >= self.limit then read_no_more(self) end
end

local function rest_if_left(self)
  if not self:is_awaited() then rest(self) end
end

local function drop_timer(self)
  local timer = self.timer
  self.timer = nil
  timer:cancel()
end

local function wait_no_more(self)
  self.want = nil
  if self.timer then drop_timer(self) end
end

local function leave(self)
  local owner = self.owner
  wait_no_more(self)
  rest(self)
  if self.on_cancel then self.on_cancel(owner) end
end

local function hold(self)
  read_no_more(self)
  self.held_since = core.now()
  if self.timer then self.timer:pause() end
end

local function free(self)
  read_on(self)
  self.held_for = self.held_for + core.now() - self.held_since
  if self.timer then self.timer:unpause() end
end

local function tell(self, piece)
  wait_no_more(self)
  fire(self.waiter, piece)
  rest_if_left(self)
end

local function time_out(self)
  self.timer = nil
  if self:is_awaited() then tell(self) end
end

--- Is there what is wanted: a number of bytes, a delimiter, or with nil anything? It is also there if it cannot come
--- any more.
function Inbox:has(want)
  if self.ended then return true end
  if want == nil then return self.buffer.size > 0 end
  if type(want) == "number" then return self.buffer.size >= want end
  return self.buffer:find(want) ~= nil or self.buffer.size >= self.longest + #want
end

local function tell_if_there(self)
  if not self:is_awaited() then
    rest(self)
  elseif self:has(self.want) then
    tell(self)
  end
end

-- An error, what has been read, or at the end neither.
local function come(self, err, piece)
  if piece and self.want == nil and self:is_awaited() then return tell(self, piece) end
  if piece then
    set_flow(self, nil)
    self.buffer:push(piece)
  else
    read_no_more(self)
    self.ended, self.err = true, err and failure(err)
  end
  tell_if_there(self)
end

-- Called by libuv, where there is no flow; otherwise with what has become of the piece.
local function on_read(self)
  return core.putter(self.flow, function(err, piece, what)
    local ok, raised = what ~= "failed", err
    if what == "taken" then
      ok, raised = pcall(rest_if_left, self)
    elseif not what then
      ok, raised = pcall(come, self, err, piece)
    end
    if not ok then loop.escape(raised) end
  end)
end

--- @param limit how many bytes may come while nobody waits
--- @param longest how many there may be before a delimiter
--- @param on_cancel called with the owner when one who waits is cancelled, if given
function Inbox.new(handle, limit, longest, on_cancel)
  loop.join()
  loop.own()
  local self = setmetatable({ handle = handle, limit = limit, longest = longest, refs = true }, Inbox)
  self.buffer, self.on_cancel, self.held_for = Buffer.new(), on_cancel, 0
  self.on_time = function() time_out(self) end
  self.hooks = { function() leave(self) end, function() hold(self) end, function() free(self) end, "Stream:read" }
  self.flow = core.flow(self.hooks)
  self.on_read = on_read(self)
  return self
end

--- For one who wants anything, when there is nothing; only one at a time may wait.
--- @return Deferred that fires with what has come, or with nil at the end
function Inbox:wait_for_some(owner)
  local waiter = claim(self.hooks, self.waiter)
  self.waiter, self.owner = waiter, owner
  if not self.refs then keep_alive(self) end
  if not self.reads then read_on(self) end
  set_flow(self, self.reads and self.want == nil and self.buffer.size == 0 and waiter or nil)
  return waiter
end

--- A function that awaits some bytes, again and again: `slow` is called where that is not all.
function Inbox:taker(slow)
  self.takers = self.takers or setmetatable({}, WEAK)
  local next = self.takers.next
  if not next then
    next = core.taker(self.flow, slow)
    self.takers.next = next
  end
  return next
end

--- For one who wants what is not there.
--- @param timer Deferred that ends the wait without it, if given
--- @return Deferred that fires when it is there to be taken
function Inbox:wait_for(want, owner, timer)
  self.want, self.held_for = want, 0
  if timer then
    self.timer = timer
    timer:add_callback(self.on_time)
  end
  return self:wait_for_some(owner)
end

--- Nothing more is to come, because of that error; nil for the end.
function Inbox:finish(err)
  read_no_more(self)
  self.ended, self.err = true, err
  tell_if_there(self)
end

return Inbox
