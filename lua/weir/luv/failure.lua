--- The errors of libuv as error objects.
local core = require "weir.core".functions
local uv = require "weir.luv.uv"

local LuvError = core.error_class "LuvError"

local LAST_ERRNO = 133

-- Callbacks are told the name alone. libuv has the whole message of those that are errors of the system, the others are
-- here in its words.
local OTHERS = {
  EAI_ADDRFAMILY = "address family not supported",
  EAI_AGAIN = "temporary failure",
  EAI_BADFLAGS = "bad ai_flags value",
  EAI_BADHINTS = "invalid value for hints",
  EAI_CANCELED = "request canceled",
  EAI_FAIL = "permanent failure",
  EAI_FAMILY = "ai_family not supported",
  EAI_MEMORY = "out of memory",
  EAI_NODATA = "no address",
  EAI_NONAME = "unknown node or service",
  EAI_OVERFLOW = "argument buffer overflow",
  EAI_PROTOCOL = "resolved protocol is unknown",
  EAI_SERVICE = "service not available for socket type",
  EAI_SOCKTYPE = "socket type not supported",
  ECHARSET = "invalid Unicode character",
  EOF = "end of file",
}

local texts

local function text_of(code)
  if not texts then
    texts = {}
    for errno = 1, LAST_ERRNO do
      local text, name = uv.translate_sys_error(errno)
      if name then texts[name] = texts[name] or text end
    end
  end
  return texts[code] or OTHERS[code] and code .. ": " .. OTHERS[code]
end

--- @param err what luv gave: the name of an error, or a message that begins with it
--- @return error object with `code`, that name
return function(err)
  local message = tostring(err)
  local code = message:match "^[%u%d_]+"
  if code == message then message = text_of(code) or message end
  return setmetatable({ message = message, code = code }, LuvError)
end
