--- Is that a port: a number that there is, or the name of a service?
return function(port)
  if type(port) ~= "string" and not math.tointeger(port) then return false end
  local number = tonumber(port)
  return number == nil or (number >= 0 and number <= 65535)
end
