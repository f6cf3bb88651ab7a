-- `os.exit(code, true)` in a coroutine that cq.run runs: the end of the coroutine it waited for woke a controller
-- that was closed, and that was reported as a failure.
if not pcall(require, "cqueues") then return pending "cqueues is not installed" end

local process = require "spec.process"

local WAYS = {
  ["the coroutine itself"] = "cq.run(leave)",
  ["another one"] = "weir.spawn(leave); cq.run(weir.sleep, 10)",
  ["a plain coroutine"] = "cq.attach():wrap(leave); cq.run(weir.sleep, 10)",
  ["one of another controller"] = [[
    local outer = require "cqueues".new()
    outer:wrap(function() weir.spawn(leave); cq.run(weir.sleep, 10) end)
    assert(outer:loop())
  ]],
}

describe("regress 162", function()
  for who, text in pairs(WAYS) do
    it("8.4 the state is closed by " .. who, function()
      local output, _, how, status = process.run([[
        local weir, cq = require "weir", require "weir.cqueues"
        local function leave()
          if weir.current() then weir.sleep(0.001) end
          os.exit(3, true)
        end
      ]] .. text)
      assert.same({ "", "exit", 3 }, { output, how, status })
    end)
  end
end)
