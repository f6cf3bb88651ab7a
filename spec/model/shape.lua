-- The operations of programs, and of what kind their parts are.
--   new: a slot that is filled; slot: one that is used; body: a list of operations; hooks: a table of bodies
--   seconds: a time; limit: a time or nil; count: of values, 0 to 2; flag: a boolean or nil
--   returned: a slot, or false
local shape = {
  deferred = { "new", "hooks" },
  succeed = { "new", "count" },
  fail = { "new" },
  shield = { "new", "slot" },
  after = { "new", "seconds" },
  spawn = { "new", "body" },
  me = { "new" },

  callback = { "slot", "count" },
  errback = { "slot" },
  add_callback = { "slot", "body" },
  add_errback = { "slot", "body" },
  add_callbacks = { "slot", "body", "body" },
  add_both = { "slot", "body" },
  chain = { "slot", "slot" },
  timeout = { "slot", "seconds" },
  cancel = { "slot", "limit" },
  pause = { "slot" },
  unpause = { "slot" },
  close = { "slot" },
  result = { "slot" },
  status = { "slot" },
  drop = { "slot" },

  await = { "slot", "limit" },
  yielded = { "slot" },
  yield = {},
  sleep = { "seconds" },
  noreturn = { "body", "flag" },
  noreturn_to = { "slot" },

  pcall = { "body" },
  guard = { "body", "body" },
  sort = { "body" },
  raise = {},
  rethrow = {},
  ["return"] = { "returned", "count" },

  advance = { "seconds" },
  step = {},
  inline = { "flag" },
  grace = { "seconds" },
  collect = {},
  look = {},
  reports = {},
}

local HOOKS = { "cancel", "pause", "unpause" }
local of = {}

--- Calls f(kind, index) for each part of an operation.
function of.parts(op, f)
  for i, kind in ipairs(shape[op[1]]) do
    f(kind, i + 1)
  end
end

--- Calls f with each body in an operation, in the order in which they are printed.
function of.bodies(op, f)
  of.parts(op, function(kind, i)
    if kind == "body" then f(op[i]) end
    for _, hook in ipairs(HOOKS) do
      if kind == "hooks" and op[i][hook] then f(op[i][hook]) end
    end
  end)
end

--- Calls f(op, body, index) for all operations of a body, in the order in which they are printed.
function of.each(body, f)
  for i, op in ipairs(body) do
    f(op, body, i)
    of.bodies(op, function(inner) of.each(inner, f) end)
  end
end

--- Calls f with a program and all bodies in it, the outer ones first.
function of.each_body(body, f)
  f(body)
  for _, op in ipairs(body) do
    of.bodies(op, function(inner) of.each_body(inner, f) end)
  end
end

of.HOOKS = HOOKS

return of
