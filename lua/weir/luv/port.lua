--- @param port a number, or the name of a service
--- @return it as libuv has it, a string; nil if that is none
return function(port)
  if type(port) ~= "string" then port = math.tointeger(port) end
  local number = tonumber(port)
  if port == nil or (number and (number < 0 or number > 65535)) then return nil end
  return tostring(port)
end
