-- Makes a program that fails smaller, until nothing can go.
local shape = require "spec.model.shape"

local shrink = {}

local function copy(x)
  if type(x) ~= "table" then return x end
  local y = {}
  for k, v in pairs(x) do
    y[k] = copy(v)
  end
  return y
end

-- A program and what it must still do. Changes are made in place, and taken back when it does not.
local Search = {}
Search.__index = Search

-- Returns whether the change has stayed.
function Search:try(change, undo)
  change()
  if self.fails(self.program) then
    self.changed = true
    return true
  end
  undo()
  return false
end

function Search:set(t, key, value)
  local old = t[key]
  if old == value then return false end
  return self:try(function() t[key] = value end, function() t[key] = old end)
end

-- Replaces the contents of a list.
local function assign(list, new)
  for i = 1, math.max(#list, #new) do
    list[i] = new[i]
  end
end

function Search:replace(body, new)
  local old = table.move(body, 1, #body, 1, {})
  self:try(function() assign(body, new) end, function() assign(body, old) end)
end

-- The body with the operations from i on replaced by others: n of them.
local function splice(body, i, n, others)
  local new = table.move(body, 1, i - 1, 1, {})
  table.move(others, 1, #others, i, new)
  return table.move(body, i + n, #body, #new + 1, new)
end

-- Takes out runs of operations, long ones first.
function Search:delete(body)
  local n = #body
  while n >= 1 do
    for i = #body - n + 1, 1, -1 do
      if i + n - 1 <= #body then self:replace(body, splice(body, i, n, {})) end
    end
    n = n // 2
  end
end

-- Puts what is in an operation in its place.
function Search:unwrap(body)
  for i = #body, 1, -1 do
    local bodies = {}
    shape.bodies(body[i], function(inner) table.insert(bodies, inner) end)
    for _, inner in ipairs(bodies) do
      if body[i] then self:replace(body, splice(body, i, 1, inner)) end
    end
  end
end

local SIMPLER = { -- names
  add_both = { "add_callback", "add_errback" },
  yielded = { "await" },
  errback = { "callback" },
  fail = { "succeed" },
  noreturn_to = { "return" },
}
local LESS = { count = { 0 }, seconds = { 1, 0 } } -- the simplest first

function Search:rename(op)
  for _, name in ipairs(SIMPLER[op[1]] or {}) do
    self:set(op, 1, name)
  end
end

function Search:lessen(op)
  shape.parts(op, function(kind, i)
    for _, value in ipairs(LESS[kind] or {}) do
      if op[i] == value or self:set(op, i, value) then break end
    end
    if kind == "limit" or kind == "flag" and op[1] ~= "inline" then self:set(op, i, nil) end
    for _, hook in ipairs(kind == "hooks" and shape.HOOKS or {}) do
      self:set(op[i], hook, nil)
    end
  end)
end

local SLOTS = { new = true, slot = true, returned = true }

-- Calls f(op, index) for each slot that is named.
local function each_slot(program, f)
  shape.each(program, function(op)
    shape.parts(op, function(kind, i)
      if SLOTS[kind] and op[i] then f(op, i) end
    end)
  end)
end

local function move_slot(program, from, to)
  each_slot(program, function(op, i)
    if op[i] == from then op[i] = to end
  end)
end

-- Which are used, and the highest.
local function used_slots(program)
  local used, highest = {}, 1
  each_slot(program, function(op, i)
    used[op[i]] = true
    highest = math.max(highest, op[i])
  end)
  return used, highest
end

-- Slots without gaps.
function Search:compact()
  local used, highest = used_slots(self.program)
  for slot = 1, highest do
    if not used[slot] and highest > slot then
      local from = highest
      self:try(function() move_slot(self.program, from, slot) end, function() move_slot(self.program, slot, from) end)
      used, highest = used_slots(self.program)
    end
  end
  self:set(self.program, "slots", highest)
end

function Search:pass()
  self.changed = false
  shape.each_body(self.program, function(body) self:delete(body) end)
  shape.each_body(self.program, function(body) self:unwrap(body) end)
  shape.each(self.program, function(op)
    self:rename(op)
    self:lessen(op)
    self:set(op, "quiet", true)
  end)
  self:set(self.program, "quiet", true)
  self:compact()
  return self.changed
end

--- A minimal program for which fails(program) is still true.
function shrink.minimal(program, fails)
  local search = setmetatable({ program = copy(program), fails = fails }, Search)
  while search:pass() do end -- luacheck: ignore 542
  return search.program
end

return shrink
