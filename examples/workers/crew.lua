--- What one worker process does: jobs from a queue, as many at the same time as it has slots.
local Batch = require "workers.batch"
local Item = require "workers.item"
local attempt = require "workers.attempt"
local keep = require "workers.keep"
local listen = require "workers.listen"
local take = require "workers.take"
local tend = require "workers.tend"
local uv = require "weir.luv".uv
local weir = require "weir"

local SLACK = 10 -- seconds for what is to be said to Redis at the end

-- `held`: entry -> Item, of all that has been taken and is not over.
local Crew = {}
Crew.__index = Crew

local function name_of_process()
  return ("%s-%d-%s"):format(uv.os_gethostname(), uv.os_getpid(), ("%02x"):rep(3):format(uv.random(3):byte(1, -1)))
end

--- @param kinds name of a kind of job -> function that does one, and returns a string, or raises
function Crew.new(queue, kinds, options)
  local self = setmetatable({
    queue = queue, kinds = kinds, options = options, name = options.name ~= "" and options.name or name_of_process(),
    held = {}, slots = weir.Semaphore(options.slots), draining = weir.Event(),
  }, Crew)
  self.beginning = Batch.new(function(items) return queue:begin(self.name, items) end)
  self.finishing = Batch.new(function(items) return queue:finish(self.name, items) end)
  return self
end

function Crew:log(text, ...)
  io.stderr:write(self.name, ": ", text:format(...), "\n")
end

local function run(self, item)
  local _ <close> = setmetatable({}, { __close = function()
    self.held[item.entry] = nil
    self.slots:release()
  end })
  attempt(self, item)
end

--- A slot has been taken for it.
function Crew:start(jobs, taken)
  if self.held[taken.entry] then return self.slots:release() end -- has claimed from itself
  local item = Item.new(taken)
  self.held[item.entry] = item
  jobs:spawn(run, self, item)
end

--- Takes nothing more, lets what has begun come to its end, gives back what does not in time, and goes.
function Crew:drain()
  self.draining:set()
end

-- What has begun gets some time.
local function let_end(self, jobs)
  if pcall(weir.await, weir.shield(jobs), self.options.patience) then return end
  for _, item in pairs(self.held) do item:stop("drain", "drain") end
  weir.await(jobs)
end

local function wind_up(self, jobs, loops)
  self.taking:cancel "drain"
  let_end(self, jobs)
  loops:cancel()
  weir.await(weir.settle { loops, self.taken, self.renewed })
  self:log("goes; has given back %d", self.queue:leave(self.name))
end

local function wind_up_in_time(self, jobs, loops)
  local ok, err = pcall(weir.await, weir.spawn(wind_up, self, jobs, loops), self.options.patience + SLACK)
  if ok then return end
  if type(err) == "table" and err.name == "TimeoutError" then
    err = "Redis does not answer; what has not been given back will be claimed"
  end
  error(err, 0)
end

local function closing(jobs)
  return setmetatable({}, { __close = function() jobs:cancel() end })
end

-- One cancel, that of `taking`, is the drain: the scope of the jobs ends when the last of them does.
local function work(self, scope)
  local loops = weir.scope(function(around)
    for _, loop in ipairs { keep, listen, tend } do around:spawn(loop, self) end
  end)
  local jobs = weir.scope(function(jobs) self.taking = jobs:spawn(take, self, jobs) end)
  local _ <close> = closing(jobs)
  scope:spawn(weir.await, loops)
  weir.await(weir.race { self.draining:wait(), weir.shield(jobs) })
  wind_up_in_time(self, jobs, loops)
end

--- Awaits that it has been drained.
function Crew:run()
  weir.await(weir.scope(function(scope) work(self, scope) end))
end

return Crew
