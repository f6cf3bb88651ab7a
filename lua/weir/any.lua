--- The first success.
local check = require "weir.check"
local core = require "weir.core".functions
local watch = require "weir.watch"

local AnyError = core.error_class "AnyError"
local MOST = 10 -- errors that the message lists
local LONGEST = 100 -- bytes of the text of one

local function text_of(err)
  local ok, text = pcall(tostring, err)
  if not ok then return "an error that has no text" end
  return #text > LONGEST and text:sub(1, LONGEST) .. "..." or text
end

local function message_of(keys, errors)
  local lines = {}
  for i = 1, math.min(#keys, MOST) do
    lines[i] = ("[%s] %s"):format(keys[i], text_of(errors[keys[i]]))
  end
  lines[#lines + 1] = #keys > MOST and "..." or nil
  return ("all %d failed: %s"):format(#keys, table.concat(lines, "; "))
end

--- @param t table of Deferreds and plain values, not empty
--- @return Deferred of the values of the one that succeeds first; of those that have, the one with the lowest key. The
--- rest is cancelled. If all fail it fails with an AnyError, whose `errors` has the error of each under its key.
local function any(t)
  local keys = check.keys(t, 1, "any")
  check.that(#keys > 0, 1, "any", "table is empty")
  local join, errors, left, won = core.join "any", {}, #keys, false

  local function win(part)
    won = true
    core.decide(join, part, "lost")
  end

  local function lose(key, part, err)
    core.handled(part)
    errors[key] = err
    left = left - 1
    if left == 0 then
      core.fail_with(join, setmetatable({ message = message_of(keys, errors), errors = errors }, AnyError))
    end
  end

  local function on_part(key, part, ok, err, late)
    if won then
      return
    elseif ok then
      win(part)
    elseif not late then
      lose(key, part, err)
    end
  end

  local function on_value(_, value)
    if not won then win(core.succeed(value)) end
  end

  watch(join, t, keys, on_part, on_value)
  return core.finish(join)
end

return any
