-- The program examples/threads: Lua states on several threads.
local HOST = os.getenv "WEIR_HOST" or "build/default/host"

local PRIMES = [[
primes from 1 to 50000: 5133
primes from 50001 to 100000: 4459
primes from 100001 to 150000: 4256
primes from 150001 to 200000: 4136
primes from 200001 to 250000: 4060
primes from 250001 to 300000: 3953
primes from 300001 to 350000: 3980
primes from 350001 to 400000: 3883
in all: 33860
false	no number: x
all threads have ended
]]

describe("examples/threads", function()
  for _, workers in ipairs { 1, 2, 5 } do
    it("10.2 prints the same with any number of threads: " .. workers, function()
      local pipe = assert(io.popen(("LUA_PATH='%s' WORKERS=%d %s/../examples/threads 2>&1")
        :format(package.path, workers, HOST)))
      local output = pipe:read "a"
      assert.is_true(pipe:close())
      assert.equal(PRIMES, output)
    end)
  end
end)
