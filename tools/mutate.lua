-- mutate.lua N SEED [PLACE]: breaks the core in N ways, one at a time, and counts how many of them the specs see. In
-- a copy, never here. PLACE, such as src/wait.c or src/wait.c:120, or some with commas between: only mutants of that.
-- See `make mutants`.
-- Those that do not compile, or make the same object code, do not count. `make oom` takes too long to take part.
local N, SEED, PLACE = math.tointeger(arg[1]), math.tointeger(arg[2]), arg[3] or ""
local WANTED = 90 -- percent
local MEMORY, LEAST, FACTOR = 6000000, 10, 10 -- KB a process may have; seconds a part has, and how often its usual time
local MOST = 40 -- seconds that a part may take that takes part
local MAKE = "make -s MAKEFLAGS= CC=gcc CFLAGS=-O1 "

local function run(command)
  return os.execute(command) == true
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function lines_of(text)
  local list = {}
  for line in text:gmatch("([^\n]*)\n") do list[#list + 1] = line end
  return list
end

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

-- -- mutants ---------------------------------------------------------------------------------------

-- What becomes of each of these in a line, wherever it is.
local SWAPS = {
  { " && ", " || " }, { " || ", " && " }, { " == ", " != " }, { " != ", " == " }, { " < ", " <= " }, { " <= ", " < " },
  { " > ", " >= " }, { " >= ", " > " }, { " + 1", " + 2" }, { " - 1", " - 2" }, { " + ", " - " }, { " - ", " + " },
  { "++", "--" }, { "--", "++" }, { " += ", " -= " }, { " -= ", " += " }, { "(!", "(" }, { " !(", " (" },
  { " = 0;", " = 1;" }, { " = 1;", " = 0;" }, { " = NULL;", " = (void *)8;" }, { "return 0;", "return 1;" },
  { "return 1;", "return 0;" }, { " |= ", " &= " }, { " &= ~", " |= " }, { ", 0);", ", 1);" }, { ", 1);", ", 0);" },
}

local function add_swaps(line, add)
  for _, swap in ipairs(SWAPS) do
    local at = 1
    while true do
      local first, last = line:find(swap[1], at, true)
      if not first then break end
      add(line:sub(1, first - 1) .. swap[2] .. line:sub(last + 1))
      at = last + 1
    end
  end
end

local function add_negation(line, add)
  local head, condition, tail = line:match("^(%s*}?%s*if )(%b())(.*)$")
  if not head then head, condition, tail = line:match("^(%s*while )(%b())(.*)$") end
  if not head then head, condition, tail = line:match("^(%s*else if )(%b())(.*)$") end
  if head then add(("%s(!%s)%s"):format(head, condition, tail)) end
  local result = line:match("^%s*return ([%w_>%-%.]+%b());$")
  if result then add((line:gsub("return .*;$", function() return ("return !%s;"):format(result) end))) end
end

-- A call or an assignment on one line of its own.
local function add_removal(line, before, add)
  local is_whole = before:match("[{};]$") or before:match("^%s*if .*%)$") or before:match("^%s*else$")
    or before:match("^%s*while .*%)$") or before:match("^%s*for .*%)$") or before:match("%*/$")
  local is_statement = line:match("^%s+[%w_]+%(.*%);$") or line:match("^%s+[%w_%.%->%[%]]+ [|&+-]?= .*;$")
    or line:match("^%s+[%w_%.%->]+[+-][+-];$")
  if is_whole and is_statement then add((line:gsub("%S.*", ";"))) end
end

local function without_comment(line)
  return (line:gsub("%s*/%*.-%*/%s*$", ""))
end

local function add_mutants_of(path, list)
  local inside, comment, before = false, false, ""
  for number, line in ipairs(lines_of(read(path))) do
    local bare = without_comment(line)
    local is_code = inside and not comment and not bare:match("^%s*#") and not bare:match("^%s*/%*")
    if is_code then
      local function add(text)
        list[#list + 1] = { path = path, line = number, old = bare, new = text }
      end
      add_swaps(bare, add)
      add_negation(bare, add)
      add_removal(bare, before, add)
    end
    if bare:match("^[^%s].*{$") and not bare:match("^typedef") and not bare:match("=%s*{$") then inside = true end
    if bare:match("^}") then inside = false end
    if line:match("/%*") then comment = true end
    if line:match("%*/") then comment = false end
    if bare:match("%S") then before = bare end
  end
end

local function shuffle(list)
  math.randomseed(SEED)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

local function all_mutants()
  local list = {}
  for path in output("ls src/*.[ch] | grep -v -e windows -e src/weir.h | LC_ALL=C sort"):gmatch("%S+") do
    add_mutants_of(path, list)
  end
  shuffle(list)
  return list
end

local function name_of(m)
  return ("%s:%d: %s -> %s"):format(m.path, m.line, m.old:match("^%s*(.*)"), m.new:match("^%s*(.*)"))
end

local wanted = {}
for place in PLACE:gmatch "[^,]+" do wanted[place] = true end

local function is_wanted(m)
  return PLACE == "" or wanted[m.path] or wanted[m.path .. ":" .. m.line]
end

-- -- the copy --------------------------------------------------------------------------------------

local copy = output("mktemp -d"):match("%S+")
local _ <close> = setmetatable({}, { __close = function() run("rm -rf " .. copy) end })

local function there(command, seconds)
  return run(("cd %s && ulimit -v %d && WEIR_SCALE=small timeout %d %s </dev/null >/dev/null 2>&1"):format(
    copy, MEMORY, seconds, command))
end

local function objects()
  return output(("cd %s && cat build/default/*.o | cksum"):format(copy))
end

local function apply(m)
  local list = lines_of(read(m.path))
  list[m.line] = m.new
  write(copy .. "/" .. m.path, table.concat(list, "\n") .. "\n")
end

local function restore(m)
  write(copy .. "/" .. m.path, read(m.path))
end

-- -- what the specs see ----------------------------------------------------------------------------

-- Parts of the specs with their usual time, and programs in C; `hosts`: it starts programs that have the core in them.
local parts = {}

local function add_part(name, command, hosts)
  local began = os.time()
  if there(command, MOST) then
    parts[#parts + 1] = { name = name, command = command, usual = os.time() - began, hosts = hosts }
  else
    print("left out, it takes too long: " .. name)
  end
end

local function add_parts()
  assert(there(MAKE .. "build hosts", 600), "the core does not build")
  for path in output("ls -d spec/*_spec.lua spec/hard spec/regress spec/twisted | LC_ALL=C sort"):gmatch("%S+") do
    local hosts = run(("grep -rqs WEIR_HOST %s"):format(path))
    add_part(path, MAKE .. ("-o hosts -o build spec ARGS='--no-keep-going %s'"):format(path), hosts)
  end
  table.sort(parts, function(a, b)
    if a.usual ~= b.usual then return a.usual < b.usual end
    return a.name < b.name
  end)
  for _, target in ipairs { "c-spec", "frames-spec", "thread-spec HANDLES=2000", "game-spec", "fuzz N=5000 SEED=1" } do
    add_part(target, MAKE .. target)
  end
end

-- Those of its own name come first, then what found most in this file, and in all; what needs programs to be built,
-- last, but for the C interface.
local kills = {}

local function order_for(path)
  local stem = path:match("src/(.*)%.")
  local function score(part)
    local own = part.name:find("spec/" .. stem:gsub("^lib_", ""):gsub("^api$", "host") .. "_spec", 1, true) and 1.5 or 0
    if part.hosts and stem ~= "api" then own = -10 end
    local found = kills[path .. part.name] or 0
    return own + 2 * found + (kills[part.name] or 0) / 20
  end
  local list = table.move(parts, 1, #parts, 1, {})
  local rank = {}
  for i, part in ipairs(list) do rank[part] = score(part) - i / 1000 end
  table.sort(list, function(a, b) return rank[a] > rank[b] end)
  return list
end

local function seen_by(m)
  local hosts = false
  for _, part in ipairs(order_for(m.path)) do
    if part.hosts and not hosts then
      hosts = true
      there(MAKE .. "hosts", 600)
    end
    if not there(part.command, LEAST + FACTOR * part.usual) then
      kills[m.path .. part.name] = (kills[m.path .. part.name] or 0) + 1
      kills[part.name] = (kills[part.name] or 0) + 1
      return part.name
    end
  end
end

-- "seen" and by what, "survived", or nothing if there is no difference.
local function try(m, original)
  apply(m)
  if there(MAKE .. "build", 600) and objects() ~= original then
    local name = seen_by(m)
    return name and "seen" or "survived", name
  end
end

local function report(seen, tried, survivors)
  print(("\nmutants: %d of %d seen, %.1f%%"):format(seen, tried, 100 * seen / math.max(tried, 1)))
  for _, line in ipairs(survivors) do print("survived: " .. line) end
  return 100 * seen >= WANTED * tried
end

assert(run(("git ls-files -z | xargs -0 cp --parents -t %s"):format(copy)))
add_parts()
there(MAKE .. "build", 600)
local original = objects()
local seen, tried, survivors = 0, 0, {}
for _, m in ipairs(all_mutants()) do
  if tried == N then break end
  local result, name
  if is_wanted(m) then result, name = try(m, original) end
  if result then
    tried = tried + 1
    if result == "seen" then seen = seen + 1 else survivors[#survivors + 1] = name_of(m) end
    print(("%3d %s %s%s"):format(tried, result, name_of(m), name and " by " .. name or ""))
    io.stdout:flush()
  end
  if is_wanted(m) then restore(m) end
end
os.exit(report(seen, tried, survivors), true)
