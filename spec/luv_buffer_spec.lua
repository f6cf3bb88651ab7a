-- weir.luv.buffer against strings.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local Buffer = require "weir.luv.buffer"

local function pieces_of(text, size)
  local buffer = Buffer.new()
  for i = 1, #text, size do buffer:push(text:sub(i, i + size - 1)) end
  return buffer
end

describe("luv buffer:", function()
  it("takes what was pushed, however it came and goes", function()
    local text = "the quick brown fox jumps over the lazy dog"
    for size = 1, #text do
      for n = 1, #text do
        local buffer, parts = pieces_of(text, size), {}
        while buffer.size > 0 do parts[#parts + 1] = buffer:take(math.min(n, buffer.size)) end
        assert.equal(text, table.concat(parts))
        assert.equal(n, #parts[1])
      end
    end
  end)

  it("takes nothing", function()
    assert.equal("", Buffer.new():take(0))
    local buffer = pieces_of("abc", 1)
    assert.equal("", buffer:take(0))
    assert.equal("abc", buffer:take(3))
  end)

  it("finds the first delimiter, also across pieces, and while more comes", function()
    local texts = { "ab\r\ncd\r\n\r\nef", "\r\r\n\r\n\n", "aabaab", "", "\r\n", "xxxxxxxxxxxx\n" }
    for _, text in ipairs(texts) do
      for _, delimiter in ipairs { "\n", "\r\n", "\r\n\r\n", "aab", "b" } do
        for size = 1, #text do
          local buffer = Buffer.new()
          for i = 1, #text, size do
            buffer:push(text:sub(i, i + size - 1))
            local _, stop = text:sub(1, i + size - 1):find(delimiter, 1, true)
            assert.equal(stop or false, buffer:find(delimiter) or false)
          end
        end
      end
    end
  end)

  it("finds one after another, and another one than before", function()
    for size = 1, 12 do
      local buffer, lines = pieces_of("one\ntwo;three\n;four\n", size), {}
      assert.equal(8, buffer:find ";")
      while buffer:find "\n" do lines[#lines + 1] = buffer:take(buffer:find "\n") end
      assert.same({ "one\n", "two;three\n", ";four\n" }, lines)
      assert.equal(0, buffer.size)
    end
  end)

  it("searches each byte once", function()
    -- A line of many pieces: quadratic work would take minutes.
    local buffer, piece = Buffer.new(), ("x"):rep(100)
    for _ = 1, 1e5 do
      buffer:push(piece)
      assert.is_nil(buffer:find "\r\n")
    end
    buffer:push "\r"
    assert.is_nil(buffer:find "\r\n")
    buffer:push "\n"
    assert.equal(1e7 + 2, buffer:find "\r\n")
  end)
end)
