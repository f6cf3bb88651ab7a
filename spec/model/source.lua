-- Prints a program as a spec in plain Lua, ready for spec/regress.
local shape = require "spec.model.shape"

local source = {}
local Printer = {}
Printer.__index = Printer

-- -- lines -----------------------------------------------------------------------------------------

function Printer:line(text, ...)
  table.insert(self.lines, ("  "):rep(self.depth) .. text:format(...))
end

function Printer:block(opening, closing, inside)
  self:line("%s", opening)
  self.depth = self.depth + 1
  inside()
  self.depth = self.depth - 1
  self:line("%s", closing)
end

-- -- parts -----------------------------------------------------------------------------------------

local function var(slot) return "d" .. slot end

local function number(x) return ("%g"):format(x) end

local function values(op, n)
  return table.concat({ ('"v%d"'):format(op.id), ('"u%d"'):format(op.id) }, ", ", 1, n)
end

-- The last operation of a body may leave it: nothing can follow.
local function leaves(body)
  local last = body[#body]
  return last and (last[1] == "return" or last[1] == "raise")
end

function Printer:body(body)
  for _, op in ipairs(body) do
    if op.id then self:operation(op) end
  end
end

-- What a body returns that says nothing else.
function Printer:value_body(op, body)
  self:body(body)
  if not leaves(body) then self:line('return "w%d"', op.id) end
end

function Printer:log(op, text, ...)
  if not op.quiet then self:line("t(%d" .. text .. ")", op.id, ...) end
end

function Printer:callback_body(op, body, catches)
  if catches then self:line("caught = { ... }") end
  self:log(op, ', "got", ...')
  self:value_body(op, body)
end

-- -- operations ------------------------------------------------------------------------------------

local print_op = {}

-- d:method(arguments), in the words that are needed.
function Printer:call(op, method, arguments)
  local d = var(op[2])
  local plain = arguments == "" and d or d .. ", " .. arguments
  if op.raises or not op.quiet then
    local call = ("pcall(%s.%s, %s)"):format(d, method, plain)
    self:line("%s", op.quiet and call or ("t(%d, %s)"):format(op.id, call))
  else
    self:line("%s:%s(%s)", d, method, arguments)
  end
end

local function method(name, arguments)
  print_op[name] = function(p, op) p:call(op, name, arguments and arguments(op) or "") end
end
method("callback", function(op) return values(op, op[3]) end)
method("errback", function(op) return ('"e%d"'):format(op.id) end)
method("chain", function(op) return var(op[3]) end)
method("timeout", function(op) return number(op[3]) end)
method("cancel", function(op) return ('"c%d"'):format(op.id) .. (op[3] and ", " .. number(op[3]) or "") end)
for _, name in ipairs { "pause", "unpause", "close", "result", "status" } do
  method(name)
end

-- The function is a local of its own block: the call may be logged.
local function adds(name, catches)
  print_op[name] = function(p, op)
    p:block("do", "end", function()
      for i = 3, #op do
        p:block(("local function f%d(...)"):format(i - 2), "end", function()
          p:callback_body(op, op[i], catches and p.rethrows)
        end)
      end
      p:call(op, name, #op == 4 and "f1, f2" or "f1")
    end)
  end
end
adds "add_callback"
adds("add_errback", true)
adds "add_callbacks"
adds "add_both"

function print_op.deferred(p, op)
  if not next(op[3]) then return p:line("%s = weir.Deferred()", var(op[2])) end
  p:block(var(op[2]) .. " = weir.Deferred {", "}", function()
    for _, name in ipairs(shape.HOOKS) do
      if op[3][name] then
        p:block(name .. " = function()", "end,", function()
          p:log(op, ', "' .. name .. '"')
          p:body(op[3][name])
        end)
      end
    end
  end)
end

function print_op.succeed(p, op) p:line("%s = weir.succeed(%s)", var(op[2]), values(op, op[3])) end

function print_op.fail(p, op) p:line('%s = weir.fail("e%d")', var(op[2]), op.id) end

function print_op.shield(p, op) p:line("%s = weir.shield(%s)", var(op[2]), var(op[3])) end

function print_op.after(p, op)
  p:line("%s = weir.after(%s, %s)", var(op[2]), number(op[3]), values(op, 1))
end

function print_op.spawn(p, op)
  p:block(var(op[2]) .. " = weir.spawn(function()", "end)", function() p:value_body(op, op[3]) end)
  p:log(op, "")
end

function print_op.me(p, op) p:line("%s = weir.current()", var(op[2])) end

-- A wait, whose results are logged.
local function waits(name, call)
  print_op[name] = function(p, op)
    p:line("%s", op.quiet and call(op) or ("t(%d, %s)"):format(op.id, call(op)))
  end
end
waits("await", function(op)
  return ("weir.await(%s)"):format(op[3] and var(op[2]) .. ", " .. number(op[3]) or var(op[2]))
end)
waits("yielded", function(op) return ("coroutine.yield(%s)"):format(var(op[2])) end)
waits("yield", function() return "weir.yield()" end)
waits("sleep", function(op) return ("weir.sleep(%s)"):format(number(op[2])) end)

function print_op.noreturn(p, op)
  p:log(op, "")
  local opening = op[3] and "weir.noreturn(weir.coroutine(function()" or "weir.noreturn(function()"
  p:block(opening, op[3] and "end))" or "end)", function() p:value_body(op, op[2]) end)
end

function print_op.noreturn_to(p, op)
  p:log(op, "")
  p:line("weir.noreturn(%s)", var(op[2]))
end

print_op["pcall"] = function(p, op)
  local opening, closing = "pcall(function()", "end)"
  if p.rethrows then opening, closing = "catch(" .. opening, closing .. ")" end
  if not op.quiet then opening, closing = ("t(%d, "):format(op.id) .. opening, closing .. ")" end
  p:block(opening, closing, function() p:value_body(op, op[2]) end)
end

function print_op.guard(p, op)
  p:block("do", "end", function()
    p:block("local _ <close> = setmetatable({}, { __close = function(_, err)", "end })", function()
      p:log(op, ', "closes", err')
      p:body(op[2])
    end)
    p:body(op[3])
  end)
end

function print_op.sort(p, op)
  p:block("table.sort({ 1, 2 }, function(a, b)", "end)", function()
    p:block("(function()", "end)()", function() p:body(op[2]) end)
    p:line("return a < b")
  end)
end

function print_op.raise(p, op) p:line('error("e%d", 0)', op.id) end

function print_op.rethrow(p) p:line("if caught then error(caught[1], 0) end") end

print_op["return"] = function(p, op)
  local what = op[2] and var(op[2]) or values(op, op[3])
  p:line("do return%s end", what == "" and "" or " " .. what)
end

function print_op.advance(p, op)
  if not op.raises and op.quiet then return p:line("clock:advance(%s)", number(op[2])) end
  local call = ("pcall(function() clock:advance(%s) end)"):format(number(op[2]))
  p:line("%s", op.quiet and call or ("t(%d, %s)"):format(op.id, call))
end

function print_op.step(p, op)
  if not op.raises and op.quiet then return p:line("weir.step()") end
  p:line("%s", op.quiet and "pcall(weir.step)" or ("t(%d, pcall(weir.step))"):format(op.id))
end

function print_op.inline(p, op) p:line("weir.inline(%s)", op[2]) end

function print_op.grace(p, op) p:line("weir.grace(%s)", number(op[2])) end

function print_op.drop(p, op) p:line("%s = nil", var(op[2])) end

function print_op.collect(p) p:line("collectgarbage()") end

function print_op.look(p, op)
  local list = {}
  for slot = 1, p.slots do
    list[slot] = ("status(%s)"):format(var(slot))
  end
  p:log(op, ", " .. table.concat(list, ", "))
end

function print_op.reports(p, op)
  p:line("table.sort(reports)")
  p:log(op, ", table.unpack(reports)")
end

-- An operation on a slot that has been empty does nothing then.
function Printer:operation(op)
  if not op.skipped then return print_op[op[1]](self, op) end
  local slots = {}
  shape.parts(op, function(kind, i)
    if kind == "slot" then table.insert(slots, var(op[i])) end
  end)
  self:block("if " .. table.concat(slots, " and ") .. " then", "end", function() print_op[op[1]](self, op) end)
end

-- -- the whole ---------------------------------------------------------------------------------------

function Printer:uses(name)
  local found = false
  shape.each(self.program, function(op) found = found or op[1] == name end)
  return found
end

function Printer:setup()
  self:block("before_each(function()", "end)", function()
    self:line("clock = h.manual()")
    self:line("h.unhandled()")
  end)
  self:block("after_each(function()", "end)", function()
    if self:uses "inline" then self:line("weir.inline(true)") end
    if self:uses "grace" then self:line("weir.grace(5)") end
    self:line("h.restore()")
  end)
end

-- What operations need besides.
function Printer:helpers()
  if self.rethrows then
    self:block("local function catch(ok, ...)", "end", function()
      self:line("if not ok then caught = { ... } end")
      self:line("return ok, ...")
    end)
  end
  if self:uses "look" then
    self:line('local function status(d) return d and d:status() or "-" end')
  end
end

function Printer:reporter()
  if self.program.garbage then
    self:line("weir.on_unhandled(function(err) table.insert(reports, label.of({}, err)) end)")
    return
  end
  if self.program.quiet then return end
  local list = {}
  for slot = self.slots, 1, -1 do
    table.insert(list, ("[%s or 0] = %d"):format(var(slot), slot))
  end
  self:block("weir.on_unhandled(function(err, _, d)", "end)", function()
    self:line('t("unhandled", err, d and (({ %s })[d] or "?") or "nobody")', table.concat(list, ", "))
  end)
end

function Printer:test(expected)
  local names = {}
  for slot = 1, self.slots do
    names[slot] = var(slot)
  end
  self:line("local t = label.trace()")
  self:line("local %s", table.concat(names, ", "))
  if self.rethrows then self:line("local caught") end
  if self.program.garbage then self:line("local reports = {}") end
  self:helpers()
  self:reporter()
  self:body(self.program)
  self:block("assert.same({", "}, t.list)", function()
    for _, entry in ipairs(expected) do
      self:line("%q,", entry)
    end
  end)
end

--- The program as a spec that expects this trace. It must have been run.
function source.print(program, expected)
  local p = setmetatable({ program = program, slots = program.slots, lines = {}, depth = 0 }, Printer)
  p.rethrows = p:uses "rethrow"
  p:line 'local h = require "spec.helper"'
  p:line 'local label = require "spec.model.label"'
  p:line 'local weir = require "weir"'
  p:line("")
  p:block('describe("regression NNN", function()', "end)", function()
    p:line("local clock")
    p:setup()
    p:line("")
    p:block('it("N.N ...", function()', "end)", function() p:test(expected) end)
  end)
  return table.concat(p.lines, "\n") .. "\n"
end

return source
