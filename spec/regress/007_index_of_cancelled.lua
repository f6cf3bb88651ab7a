local weir = require "weir"

describe("regression 007", function()
  it("8.4 the __index of a cancel error can be called with anything", function()
    local d = weir.Deferred()
    d:cancel()
    local _, err = pcall(d.result, d)
    local index = getmetatable(err).__index
    for _, value in ipairs { "x", 1, true, print } do
      pcall(index, value, "message")
    end
    assert.equal("cancelled", err.message)
  end)
end)
