-- busted's own output, closed by one plain line with the counts.
return function(options)
  local busted = require "busted"
  local handler = require("busted.outputHandlers." .. options.defaultOutput)(options)

  busted.subscribe({ "exit" }, function()
    local passed, skipped = handler.successesCount, handler.pendingsCount
    local failed = handler.failuresCount + handler.errorsCount
    local line = ("%d passed, %d failed"):format(passed, failed)
    print("\n" .. line .. (skipped > 0 and (", %d skipped"):format(skipped) or ""))
    return nil, true
  end)

  return handler
end
