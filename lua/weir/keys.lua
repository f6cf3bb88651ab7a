--- The order of a table's keys, which is the same every time: the list part, then other numbers, then strings.
local function sorted(list)
  table.sort(list)
  return list
end

-- Those that are not in `list`, which has each of its values under itself.
local function others(t, list)
  local numbers, strings = {}, {}
  for key in pairs(t) do
    local kind = list[key] == nil and type(key)
    if kind == "string" then
      strings[#strings + 1] = key
    elseif kind == "number" then
      numbers[#numbers + 1] = key
    elseif kind then
      return nil, ("a key is a %s, not a number or string"):format(kind)
    end
  end
  return sorted(numbers), sorted(strings)
end

--- @return the list of the keys of `t`; or nil and a message if one of them has no place in an order
local function keys_of(t)
  local keys, n = {}, 0
  while t[n + 1] ~= nil do
    n = n + 1
    keys[n] = n
  end
  local numbers, strings = others(t, keys)
  if not numbers then return nil, strings end
  table.move(numbers, 1, #numbers, n + 1, keys)
  table.move(strings, 1, #strings, #keys + 1, keys)
  return keys
end

return keys_of
