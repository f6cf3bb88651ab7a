--- What LuaSocket calls the errors of libuv.
local errors = {}

local TEXTS = {
  EADDRINUSE = "address already in use",
  EISCONN = "already connected",
  EACCES = "permission denied",
  ECONNREFUSED = "connection refused",
  ECONNABORTED = "closed",
  ECONNRESET = "closed",
  EPIPE = "closed",
  ECANCELED = "closed",
  ETIMEDOUT = "timeout",
  -- Here libuv has other words than the system.
  EADDRNOTAVAIL = "Cannot assign requested address",
  EHOSTUNREACH = "No route to host",
  ENOTCONN = "Transport endpoint is not connected",
  EAI_ADDRFAMILY = "Address family for hostname not supported",
  EAI_AGAIN = "temporary failure in name resolution",
  EAI_BADFLAGS = "invalid value for ai_flags",
  EAI_FAIL = "non-recoverable failure in name resolution",
  EAI_FAMILY = "ai_family not supported",
  EAI_MEMORY = "memory allocation failure",
  EAI_NONAME = "host or service not provided, or not known",
  EAI_OVERFLOW = "argument buffer overflow",
  EAI_PROTOCOL = "resolved protocol is unknown",
  EAI_SERVICE = "service not supported for socket type",
  EAI_SOCKTYPE = "ai_socktype not supported",
}

--- @param message what luv gives: the name of the error, a colon, what it means
function errors.text(message)
  local code, meaning = message:match "^([%u%d_]+):? ?(.*)$"
  if TEXTS[code] then return TEXTS[code] end
  if not code or meaning == "" then return message end
  return (meaning:gsub("^%l", string.upper)) -- as the system has it
end

--- The same, where a host was looked up: what cannot be a name is not known.
function errors.of_name(message)
  return message:find "^EINVAL" and TEXTS.EAI_NONAME or errors.text(message)
end

--- Of the error of a Deferred. What is none of libuv's, such as a cancel, is raised again.
--- @param text_of errors.text, if nothing is given
function errors.of(err, text_of)
  if type(err) == "table" and err.name == "LuvError" then return (text_of or errors.text)(err.message) end
  error(err, 0)
end

return errors
