-- A failure was lost if the function that was told of it failed: only the error of that was written.
local process = require "spec.process"

describe("regress 130", function()
  local function output_of(code)
    local output, ok = process.run("local weir = require 'weir'\n" .. code)
    assert.is_true(ok, output)
    output = output:gsub("stack traceback:\n.-\nweir:", "TRACE\nweir:")
    return (output:gsub("stack traceback:.*", "TRACE"))
  end

  it("8.1 both are written", function()
    local both = "weir: unhandled failure: the failure\nTRACE\nweir: error in the handler of that: my own\n"
    assert.equal(both, output_of [[
      weir.on_unhandled(function() error("my own", 0) end)
      weir.spawn(error, "the failure", 0)
      weir.step()
    ]])
  end)

  it("8.1 also if neither can be made a text of", function()
    local object = "(error object is a table value)\n"
    assert.equal("weir: unhandled failure: " .. object .. "weir: error in the handler of that: my own\n"
      .. "weir: unhandled failure: " .. object .. "weir: error in the handler of that: " .. object
      .. "weir: unhandled failure: " .. object, output_of [[
      local bad = setmetatable({}, { __tostring = function() error "no" end })
      weir.on_unhandled(function() error("my own", 0) end)
      weir.fail(bad)
      collectgarbage()
      weir.step()
      weir.on_unhandled(function() error(bad) end)
      weir.fail(bad)
      collectgarbage()
      weir.step()
      weir.on_unhandled(nil)
      weir.fail(bad)
      collectgarbage()
      weir.step()
    ]])
  end)

  it("8.1 the default says of which coroutine it is, if that has a name", function()
    assert.equal("weir: unhandled failure of 'painter': the failure\nTRACE", output_of [[
      weir.coroutine(function() error("the failure", 0) end, "painter")()
      weir.step()
    ]])
  end)
end)
