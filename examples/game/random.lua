-- Chance, but the same in each run and with every release of Lua: a replay depends on it.
local state = 20

--- An integer from 0 to n - 1.
return function(n)
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 12) % n
end
