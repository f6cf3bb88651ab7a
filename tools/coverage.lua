-- coverage.lua BUILD: what of src and lua/weir has run in this build, see `make coverage`. Prints a table of the
-- files, and each line that never ran; writes the branches too to BUILD/coverage.txt. Fails below the limits.
local BUILD = assert(arg[1], "coverage.lua BUILD")
local LIMITS = { lines = 95, branches = 90 }
local DECLARATIONS = "lua/weir/meta.lua" -- is never loaded

local function lines_of(command)
  return assert(io.popen(command)):lines()
end

-- path -> { text = { line -> text }, hits = { line -> number }, branches = { "line/n" -> number }, order = {...} }
local files = {}

local function file_of(path)
  if not files[path] then files[path] = { text = {}, hits = {}, branches = {}, order = {} } end
  return files[path]
end

local function add_line(file, number, text, hits)
  file.text[number] = text
  file.hits[number] = (file.hits[number] or 0) + hits
end

local function add_branch(file, number, n, taken)
  local key = number .. "/" .. n
  if not file.branches[key] then
    file.branches[key] = 0
    table.insert(file.order, { key = key, line = number })
  end
  file.branches[key] = file.branches[key] + taken
end

-- -- C: gcov tells of each object alone, and of a header in each that has it ------------------------

local function read_gcov(object)
  local file, number
  for line in lines_of(("gcov -b -c -t -o %s %s 2>&1"):format(BUILD, object)) do
    local source = line:match("^ +%-: +0:Source:(.*)")
    local count, at, text = line:match("^ *([^:]+): *(%d+):(.*)")
    local branch, taken = line:match("^branch +(%d+) (.*)")
    if source then
      file = source:match("^src/") and file_of(source)
    elseif file and at and at ~= "0" then
      number = tonumber(at)
      if count ~= "-" then add_line(file, number, text, tonumber(count:match("%d+")) or 0) end
    elseif file and branch then
      add_branch(file, number, branch, tonumber(taken:match("taken (%d+)")) or 0)
    end
  end
end

-- -- Lua: luac tells what instructions there are, and the hook of tools/hits.c which have run -------

local TESTS = { EQ = true, LT = true, LE = true, EQK = true, EQI = true, LTI = true, LEI = true, GTI = true,
  GEI = true, TEST = true, TESTSET = true }
local UNSEEN = { VARARGPREP = true, EXTRAARG = true, JMP = true } -- a hook is not called for them, or belongs to a test

-- "path first last size" -> { { line =, name =, hits =, skips = }, ... }
local functions = {}

local function read_listing(path)
  local code
  for line in lines_of("luac5.4 -p -l " .. path) do
    local first, last, size = line:match("^%a+ <.*:(%d+),(%d+)> %((%d+) instruction")
    local number, name = line:match("^\t%d+\t%[(%d+)%]\t(%w+)")
    local target = line:match("; to (%d+)$")
    if first then
      code = { path = path }
      functions[("%s %s %s %s"):format(path, first, last, size)] = code
    elseif number then
      code[#code + 1] = { line = tonumber(number), name = name, hits = 0, skips = 0, target = tonumber(target) }
    end
  end
end

local function add_hits(line)
  local key, rest = line:match("^(%S+ %d+ %d+ %d+)(.*)")
  local code, i = functions["lua/weir/" .. key:match("lua/weir/(.*)")], 0
  if not code then return end -- such as the modules of somebody else's weir
  for hits, skips in rest:gmatch(" (%d+) (%d+)") do
    i = i + 1
    code[i].hits, code[i].skips = code[i].hits + tonumber(hits), code[i].skips + tonumber(skips)
  end
end

-- The last instruction is a return that stands for the `end`. What was called in the place of a return does it.
local function is_seen(code, i)
  return not UNSEEN[code[i].name] and not (i > 1 and code[i - 1].name == "TAILCALL")
end

-- In `a and b or c` there is a test of b too, where b is only there to be chosen: that is no branch. Then what comes
-- behind it, c, is where a test before has jumped to.
local function is_choice(code, i)
  if code[i].name ~= "TEST" and code[i].name ~= "TESTSET" then return false end
  for before = 1, i - 1 do
    if TESTS[code[before].name] and code[before + 1].target == i + 2 then return true end
  end
  return false
end

local function add_function(code, text)
  local file = file_of(code.path)
  for i = 1, #code - 1 do
    local op = code[i]
    if is_seen(code, i) then add_line(file, op.line, text[op.line], op.hits) end
    if TESTS[op.name] and not is_choice(code, i) then
      add_branch(file, op.line, i .. code[1].line .. "skips", op.skips)
      add_branch(file, op.line, i .. code[1].line .. "jumps", op.hits - op.skips)
    end
  end
end

local function read_lua()
  local text = {}
  for path in lines_of("find lua/weir -name '*.lua' | LC_ALL=C sort") do
    text[path] = {}
    for line in io.lines(path) do table.insert(text[path], line) end
    if path ~= DECLARATIONS then read_listing(path) end
  end
  for path in lines_of(("find %s/hits -name '*.hits'"):format(BUILD)) do
    for line in io.lines(path) do add_hits(line) end
  end
  for _, code in pairs(functions) do add_function(code, text[code.path]) end
end

-- -- the report ------------------------------------------------------------------------------------

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function count(counts, sum)
  for _, hits in pairs(counts) do
    sum.all = sum.all + 1
    if hits > 0 then sum.run = sum.run + 1 end
  end
  return sum
end

local function sum() return { run = 0, all = 0 } end

local function percent(s)
  return s.all == 0 and 100 or 100 * s.run / s.all
end

local function row(name, lines, branches)
  return ("%-32s %5d of %5d lines %6.1f%% %5d of %5d branches %6.1f%%"):format(
    name, lines.run, lines.all, percent(lines), branches.run, branches.all, percent(branches))
end

-- Prints a row for each file below this directory, and one of all; returns whether that is enough.
local function table_of(directory)
  local lines, branches = sum(), sum()
  for _, path in ipairs(sorted(files)) do
    if path:find(directory, 1, true) == 1 then
      local file = files[path]
      print(row(path, count(file.hits, sum()), count(file.branches, sum())))
      count(file.hits, lines)
      count(file.branches, branches)
    end
  end
  print(row("all of " .. directory, lines, branches) .. "\n")
  return percent(lines) >= LIMITS.lines and percent(branches) >= LIMITS.branches
end

local function lines_never_run(write)
  for _, path in ipairs(sorted(files)) do
    for _, number in ipairs(sorted(files[path].hits)) do
      if files[path].hits[number] == 0 then write(("%s:%d: %s"):format(path, number, files[path].text[number])) end
    end
  end
end

-- Of lines that have run.
local function branches_never_taken(write)
  for _, path in ipairs(sorted(files)) do
    local file, seen = files[path], {}
    table.sort(file.order, function(a, b) return a.line < b.line end)
    for _, branch in ipairs(file.order) do
      if file.branches[branch.key] == 0 and file.hits[branch.line] > 0 and not seen[branch.line] then
        seen[branch.line] = true
        write(("%s:%d: %s"):format(path, branch.line, file.text[branch.line]))
      end
    end
  end
end

for object in lines_of(("find %s -maxdepth 1 -name '*.gcda' | LC_ALL=C sort"):format(BUILD)) do read_gcov(object) end
read_lua()
local enough = table_of "src/"
enough = table_of "lua/weir/" and enough
print "never run:"
lines_never_run(print)

local out = assert(io.open(BUILD .. "/coverage.txt", "w"))
out:write "lines never run\n"
lines_never_run(function(line) out:write(line, "\n") end)
out:write "\nlines of which not every branch was taken\n"
branches_never_taken(function(line) out:write(line, "\n") end)
out:close()
print(("\nwhere only one way was taken: %s/coverage.txt"):format(BUILD))
if not enough then
  print(("too little: %d%% of lines and %d%% of branches are asked for"):format(LIMITS.lines, LIMITS.branches))
  os.exit(1)
end
