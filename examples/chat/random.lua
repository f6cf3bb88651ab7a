--- Chance that is the same for the same seed, with every release of Lua.

--- @return function that gives an integer from 1 to n
return function(seed)
  local state = seed
  return function(n)
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 12) % n + 1
  end
end
