--- weir in a cqueues controller.
local core = require "weir.core".functions
local cqueues = require "cqueues"
local get = require "weir.cqueues.get"
local loop = require "weir.cqueues.loop"
local pollers = require "weir.cqueues.pollers"
require "weir.cqueues.outside"

-- What all of cqueues' own functions that wait come to.
core.on_yield(cqueues._POLL, pollers.poll)

return {
  -- the loop
  run = loop.run,
  attach = loop.attach,
  detach = loop.detach,
  -- from one side to the other
  poll = pollers.poll,
  get = get,
}
