-- Two times. The interface keeps to the one of the frames; what happens in the arena follows a clock of its own, which
-- can be slowed down and stopped.
local weir = require "weir"

return {
  ui = weir.clock(),
  game = weir.Clock { parent = weir.clock() },
}
