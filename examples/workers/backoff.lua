--- Pauses that double, up to a limit, each longer or shorter by chance: what failed together does not come back so.
--- @param n number of the failure, from 1
--- @param first, most in seconds
return function(n, first, most)
  return math.min(first * 2 ^ (n - 1), most) * (0.5 + math.random())
end
