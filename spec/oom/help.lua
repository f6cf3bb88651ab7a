--- What scenarios share.
local weir = require "weir"
local works = require "spec.works"

local help = { assert_works = works }

-- Lua has no other words for a stack that cannot grow.
local MESSAGES = { "not enough memory", "stack overflow", "too many results to unpack", "error in error handling" }

function help.is_memory(err)
  for _, message in ipairs(MESSAGES) do
    if tostring(err):find(message, 1, true) then return true end
  end
  return false
end

--- A failure that the scenario is about, with memory or without.
function help.is_allowed(err, allowed)
  local text = type(err) == "table" and err.message or tostring(err)
  return help.is_memory(text) or (allowed and text:find(allowed, 1, true) ~= nil)
end

--- Fails unless the Deferred has an outcome; a failure may only be that of memory, or one that `allowed` finds in it.
function help.assert_told(d, allowed)
  local status = d:status()
  assert(status == "success" or status == "failure" or status == "cancelled", tostring(d) .. " has not been told")
  if status == "success" then return end
  local ok, err = pcall(d.result, d)
  assert(not ok)
  assert(help.is_allowed(err, allowed), err)
end

function help.assert_all_told(list, allowed)
  for _, d in ipairs(list) do help.assert_told(d, allowed) end
end

--- Fires it now, if that did not come about before.
function help.fire_again(d, ...)
  if d:status() == "pending" then pcall(d.callback, d, ...) end -- it may wait for another by now
  weir.step()
end

return help
