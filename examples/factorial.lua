-- fact(10000), recursive, in the memory of a loop.
--
-- fact calls itself ten thousand times, but by weir.noreturn: each call takes
-- the place of the one before it, whose locals become garbage at once. So the
-- peak is a few accumulators of at most 64 KB each, not all ten thousand.
-- Every digit is then compared with a second, unrelated way to the same number.

local weir = require "weir"

local N = tonumber(arg and arg[1]) or 10000

-- Numbers are lists of digits in base 10^width, the lowest first.
local function digits(x, width)
  local out = { tostring(x[#x]) }
  for i = #x - 1, 1, -1 do
    out[#out + 1] = ("%0" .. width .. "d"):format(x[i])
  end
  return table.concat(out)
end

local function peak_resident()
  local file = io.open "/proc/self/status" -- Linux only
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text:match "VmHWM:%s*(%d+)"
end

-- First way: n * (n-1) * ... by noreturn -----------------------------------

-- Times a small number: 10^14 leaves room for a factor up to 92000 in the
-- 63 bits of an integer.
local WIDE <const> = 14
local WIDE_BASE <const> = math.tointeger(10 ^ WIDE)

local function times_small(x, factor)
  local product, carry = {}, 0
  for i = 1, #x do
    local limb = x[i] * factor + carry
    product[i] = limb % WIDE_BASE
    carry = limb // WIDE_BASE
  end
  if carry > 0 then product[#product + 1] = carry end
  return product
end

local peak = 0

local fact
fact = weir.coroutine(function(n, accumulator)
  peak = math.max(peak, collectgarbage "count")
  if n < 2 then return accumulator end
  -- Plain recursion would await fact(n - 1) here and hold ten thousand
  -- coroutines. This never comes back: the callee is who answers our waiter.
  weir.noreturn(fact, n - 1, times_small(accumulator, n))
end)

local before = collectgarbage "count"
local clock = os.clock()
local result = digits(weir.run(fact, N, { 1 }), WIDE)
print(("fact(%d) = %s...%s, %d digits, %.1f s"):format(
  N, result:sub(1, 12), result:sub(-4), #result, os.clock() - clock))
print(("memory: %.0f KB before, %.0f KB at the peak"):format(before, peak))
local resident = peak_resident()
if resident then print(("peak resident memory: %s KB"):format(resident)) end

-- Second way: the product of its prime factors ------------------------------

-- Legendre: the prime p divides n! n//p + n//p^2 + n//p^3 + ... times.
local function prime_factors(n)
  local factors, composite = {}, {}
  for p = 2, n do
    if not composite[p] then
      for multiple = p * p, n, p do composite[multiple] = true end
      local power = p
      while power <= n do
        for _ = 1, n // power do factors[#factors + 1] = p end
        power = power * p
      end
    end
  end
  return factors
end

-- Times a big number: thousands of products of two limbs below 10^7 may be
-- summed in one integer before a carry is due.
local NARROW <const> = 7
local NARROW_BASE <const> = math.tointeger(10 ^ NARROW)

local function times(x, y)
  local product = {}
  for i = 1, #x + #y do product[i] = 0 end
  for i = 1, #x do
    local limb = x[i]
    for j = 1, #y do
      local k = i + j - 1
      product[k] = product[k] + limb * y[j]
    end
  end
  local carry = 0
  for i = 1, #product do
    local sum = product[i] + carry
    product[i] = sum % NARROW_BASE
    carry = sum // NARROW_BASE
  end
  while #product > 1 and product[#product] == 0 do product[#product] = nil end
  return product
end

-- Halving keeps both sides of a product about equally long.
local function product_of(list, first, last)
  if first > last then return { 1 } end
  if first == last then return { list[first] } end
  local middle = (first + last) // 2
  return times(product_of(list, first, middle), product_of(list, middle + 1, last))
end

local factors = prime_factors(N)
local check = digits(product_of(factors, 1, #factors), NARROW)
assert(result == check, "the two factorials differ")
print(("all %d digits agree with the product of %d prime factors"):format(#check, #factors))
