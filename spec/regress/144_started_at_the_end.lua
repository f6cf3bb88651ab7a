-- What a finalizer started while the state was being closed was not closed; a clock that was made then left its memory
-- behind.
local process = require "spec.process"

describe("regression 144", function()
  it("3.8 it is closed, behind the others", function()
    local output, ok = process.run [[
      local weir = require "weir"
      local function waits(name)
        return weir.spawn(function()
          local _ <close> = setmetatable({}, { __close = function() print(name .. " closed") end })
          weir.await(weir.Deferred())
        end)
      end
      old = waits "old"
      object = setmetatable({}, {
        __gc = function()
          new = waits "new"
          print("new one: " .. new:status())
        end,
      })
    ]]
    assert.same({ "new one: waiting\nold closed\nnew closed\n", true }, { output, ok })
  end)

  it("3.8 all of them are, whatever their handlers start", function()
    local output, ok = process.run [[
      local weir = require "weir"
      list = {}
      object = setmetatable({}, {
        __gc = function()
          for i = 1, 60 do
            list[i] = weir.spawn(function()
              local _ <close> = setmetatable({}, {
                __close = function()
                  print "closed"
                  for _ = 1, i do weir.spawn(weir.await, weir.Deferred()) end
                end,
              })
              weir.await(weir.Deferred())
            end)
          end
        end,
      })
      first = weir.spawn(weir.await, weir.Deferred())
    ]]
    assert.same({ ("closed\n"):rep(60), true }, { output, ok })
  end)

  it("a clock leaves nothing behind", function() -- the address sanitizer looks at that
    local output, ok = process.run [[
      local weir = require "weir"
      object = setmetatable({}, {
        __gc = function()
          local clock = weir.Clock()
          for i = 1, 100 do clock:after(i) end
          clock:after(0.5):cancel()
          clock:advance(50)
        end,
      })
      kept = weir.spawn(function()
        local _ <close> = setmetatable({}, { __close = function() weir.Clock():after(1) end })
        weir.await(weir.Deferred())
      end)
    ]]
    assert.same({ "", true }, { output, ok })
  end)
end)
