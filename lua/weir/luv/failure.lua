--- The errors of libuv as error objects.
local core = require "weir.core".functions
local uv = require "weir.luv.uv"

local LuvError = core.error_class "LuvError"

local LAST_ERRNO = 133
local texts

-- Callbacks are told the name alone. libuv has the whole message of those that are errors of the system.
local function text_of(code)
  if not texts then
    texts = {}
    for errno = 1, LAST_ERRNO do
      local text, name = uv.translate_sys_error(errno)
      if name then texts[name] = texts[name] or text end
    end
  end
  return texts[code]
end

--- @param err what luv gave: the name of an error, or a message that begins with it
--- @return error object with `code`, that name
return function(err)
  local message = tostring(err)
  local code = message:match "^[%u%d_]+"
  if code == message then message = text_of(code) or message end
  return setmetatable({ message = message, code = code }, LuvError)
end
