-- The inputs of spec/fuzz/corpus, played without the fuzzer.
local HOST = os.getenv "WEIR_HOST" or "build/default/host"

describe("fuzz", function()
  it("8.4 every input that is kept is as harmless as when it was found", function()
    local pipe = assert(io.popen(HOST .. "/replay spec/fuzz/corpus/* 2>&1"))
    local output = pipe:read "a"
    assert.is_true((pipe:close()), output:sub(-4000))
    assert.is_true(tonumber(output:match "(%d+) inputs\n$") >= 100)
  end)
end)
