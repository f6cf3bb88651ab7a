--- The options of LuaSocket's TCP objects, as far as libuv has them.
local options = {}

local KINDS = {
  ["tcp-nodelay"] = "boolean", keepalive = "boolean", reuseaddr = "boolean", ["ipv6-v6only"] = "boolean",
  ["recv-buffer-size"] = "number", ["send-buffer-size"] = "number",
}

-- Each sets its value on a handle.
local SET = {
  ["tcp-nodelay"] = function(handle, on) return handle:nodelay(on) end,
  keepalive = function(handle, on) return handle:keepalive(on, on and 60 or nil) end,
  ["recv-buffer-size"] = function(handle, size) return handle:recv_buffer_size(size) end,
  ["send-buffer-size"] = function(handle, size) return handle:send_buffer_size(size) end,
}

-- Each says what the system has. Of the others only we know what was set.
local GET = {
  reuseaddr = function() return true end, -- libuv sets it
  ["recv-buffer-size"] = function(handle) return handle:recv_buffer_size() end,
  ["send-buffer-size"] = function(handle) return handle:send_buffer_size() end,
}

-- libuv sets the others itself, or they are taken into account elsewhere.
local UNSUPPORTED = {
  "bindtodevice", "linger", "reuseport", "tcp-defer-accept", "tcp-fastopen", "tcp-fastopen-connect", "tcp-keepcnt",
  "tcp-keepidle", "tcp-keepintvl",
}
for _, name in ipairs(UNSUPPORTED) do UNSUPPORTED[name] = true end

local function check(name, method)
  if not (KINDS[name] or UNSUPPORTED[name]) then
    error(("bad argument #1 to '%s' (unsupported option `%.35s')"):format(method, tostring(name)), 3)
  end
end

--- Also for the handle that is still to be made.
function options.set(self, name, value)
  check(name, "setoption")
  if UNSUPPORTED[name] then return nil, "setsockopt failed" end
  if type(value) ~= KINDS[name] then
    error(("bad argument #2 to 'setoption' (%s expected, got %s)"):format(KINDS[name], type(value)), 3)
  end
  self.options[name] = value
  if self.handle and SET[name] and not SET[name](self.handle, value) then return nil, "setsockopt failed" end
  return 1
end

function options.get(self, name)
  if name == "error" then return nil end
  check(name, "getoption")
  if UNSUPPORTED[name] then return nil, "getsockopt failed" end
  if self.handle and GET[name] then return GET[name](self.handle) end
  return self.options[name] or false
end

--- Sets on a new handle what was set before.
function options.apply(self)
  for name, value in pairs(self.options) do
    if SET[name] then SET[name](self.handle, value) end
  end
end

return options
