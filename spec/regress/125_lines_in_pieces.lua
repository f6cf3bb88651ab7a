-- Whether a line was longer than the limit depended on the pieces in which it came: one that came with its end was
-- never too long, and one that was just as long as the limit was, if its end came later.
if not pcall(require, "weir.luv.uv") then return pending "luv is not installed" end

local luv = require "weir.luv"
local weir = require "weir"
local x = require "spec.uv"

describe("regress 125", function()
  after_each(x.assert_nothing_left)

  local LIMIT = 10

  local function wait(milliseconds)
    local over, timer = weir.Deferred(), luv.uv.new_timer()
    timer:start(milliseconds, 0, function()
      timer:close()
      over:callback()
    end)
    weir.await(over)
  end

  -- What a reader gets of one who writes the pieces one after the other, and hangs up.
  local function outcome(pieces, read)
    local a, b = x.handles()
    return x.run(function()
      local stream <close> = luv.stream(a, { limit = LIMIT })
      local peer = luv.stream(b)
      local writer = weir.spawn(function()
        local _ <close> = peer
        for _, piece in ipairs(pieces) do
          peer:write(piece)
          wait(1)
        end
      end)
      local ok, got = pcall(read, stream)
      local rest = stream:read "a"
      weir.await(writer)
      return ok and got or got.code, rest
    end)
  end

  local function line(stream) return stream:read "l" end
  local function part(stream) return stream:read_until "\r\n" end

  -- The text in one piece, and cut in two at each place.
  local function all_ways(text)
    local ways = { { text } }
    for i = 1, #text - 1 do ways[#ways + 1] = { text:sub(1, i), text:sub(i + 1) } end
    return ways
  end

  local function check(text, read, expected, rest)
    for _, way in ipairs(all_ways(text)) do
      assert.same({ expected, rest }, { outcome(way, read) })
    end
  end

  it("a line that is as long as the limit is read", function()
    check("0123456789\nx", line, "0123456789", "x")
  end)

  it("one that is longer is an error, by which nothing is lost", function()
    check("0123456789+\nx", line, "EMSGSIZE", "0123456789+\nx")
  end)

  it("so it is with the last one, which has no end", function()
    check("0123456789", line, "0123456789", "")
    check("0123456789+", line, "EMSGSIZE", "0123456789+")
  end)

  it("a longer delimiter is not counted either", function()
    check("0123456789\r\nx", part, "0123456789", "x")
    check("0123456789\r\r\nx", part, "EMSGSIZE", "0123456789\r\r\nx")
  end)

  it("nor does it matter when the reader comes", function()
    assert.same({ "EMSGSIZE", "0123456789+\n" }, { outcome({ "0123456789+\n" }, function(stream)
      wait(5)
      return line(stream)
    end) })
  end)
end)
