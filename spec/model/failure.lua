-- Errors, outcomes and unhandled failures: rules 1.1, 8.1, 8.3.
local m = require "spec.model.state"

local Error = { __tostring = function(err) return err.name .. ": " .. tostring(err.message) end }

--- 8.3: weir's own errors are objects with a name.
function m.error_object(name, reason)
  return setmetatable({ name = name, reason = reason, message = "model" }, Error)
end

--- 5.4
function m.is_cancelled(err)
  return getmetatable(err) == Error and err.name == "CancelledError"
end

function m.is_timeout(err)
  return getmetatable(err) == Error and err.name == "TimeoutError"
end

--- 8.4: wrong arguments and wrong places raise strings.
function m.wrong(what)
  error("this is no place to " .. what, 0)
end

--- 1.1: success with 0..n values, or failure with one error.
function m.success(...)
  return { ok = true, n = select("#", ...), ... }
end

function m.failure(err)
  return { ok = false, n = 1, err }
end

--- The outcome that pcall's results are.
function m.outcome_of(ok, ...)
  return ok and m.success(...) or m.failure((...))
end

--- The values of an outcome, or raises its error.
function m.unpack(outcome)
  if not outcome.ok then error(outcome[1], 0) end
  return table.unpack(outcome, 1, outcome.n)
end

--- 1.1: the same for another Deferred, for whom it is a failure of its own.
function m.copy(outcome)
  return outcome.ok and m.success(m.unpack(outcome)) or m.failure(outcome[1])
end

-- 8.1: at collection.
local Note = { __gc = function(note) note.report(note) end }

--- 8.1: d has settled in a failure; outcome.seen if somebody was told of it.
function m.note_failure(d)
  local outcome = d.outcome
  if outcome.ok or outcome.noted or m.is_cancelled(outcome[1]) then return end -- 5.10
  outcome.noted = true
  d.note = setmetatable({ of = d, outcome = outcome, world = m.world, report = m.report_note }, Note)
  m.failed = m.failed + 1
  m.failures[m.failed] = d.note
end

function m.report_note(note)
  if note.outcome.seen or note.world ~= m.world then return end
  note.outcome.seen = true
  m.outside(m.handler, note.outcome[1], "", note.of)
end

--- An error that belongs to no Deferred (5.1, 6.2) is reported at once.
function m.report(err)
  if not m.is_cancelled(err) then m.outside(m.handler, err, "") end
end

--- 8.1: when run or step goes idle, each failure once.
function m.report_all()
  local i = 1
  while i <= m.failed do
    if m.failures[i] then m.report_note(m.failures[i]) end
    i = i + 1
  end
  m.failed = 0
end

return m
