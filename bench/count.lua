--- Counts instructions per operation under callgrind, and fails if one grew over what is recorded.
-- lua bench/count.lua [record]; CC and CFLAGS say what weir was built with.
local dir = arg[0]:gsub("[^/]*$", "")
package.path = dir .. "?.lua;" .. package.path
local process = require "process"
local counts = require "counts"

local MOST = 0.05

-- File, row of it, and two sizes: what the larger one takes more is divided by the difference, so
-- that loading does not count. One size is enough where the count starts when all is prepared.
local ROWS = {
  { "switch", 1, 10000, 60000 },
  { "switch", 2, 10000, 60000 },
  { "spawn", 1, 10000, 60000 },
  { "spawn_await", 1, 10000, 60000 },
  { "ping_pong", 1, 10000, 40000 },
  { "await_fired", 1, 10000, 110000 },
  { "callbacks", 1, 10000, 60000 },
  { "all", 1, 10000, 30000 },
  { "noreturn", 1, 10000, 60000 },
  { "noreturn", 2, 10000, 60000 },
  { "nested", 1, 1000, 11000 },
  { "cancel_chain", 1, 10000 },
  { "cancel_sleepers", 1, 10000 },
  { "pause_chain", 1, 10000 },
  { "sleepers", 1, 10000 },
}

local function name_of(row)
  local rows = assert(loadfile(dir .. row[1] .. ".lua"))()
  return (rows.name and rows or rows[row[2]]).name
end

-- -- counting -------------------------------------------------------------------------------------

-- In C, os.clock is a call of `clock`: there the count starts anew.
local VALGRIND = {
  "valgrind",
  "--tool=callgrind",
  "--callgrind-out-file=/dev/null",
  "--zero-before=clock",
  "--log-fd=1",
  process.interpreter(),
  dir .. "counted.lua",
}

local function instructions(row, n)
  local words = table.move({ row[1], row[2], n }, 1, 3, #VALGRIND + 1, { table.unpack(VALGRIND) })
  local output, status = process.run(table.unpack(words))
  assert(status == 0, output)
  return tonumber(output:match "Collected : (%d+)")
end

local function per_operation(row)
  local less, more = row[3], row[4]
  if not more then
    return instructions(row, less) / less
  end
  return (instructions(row, more) - instructions(row, less)) / (more - less)
end

local function first_line(...)
  local output, status = process.run(...)
  return status == 0 and output:match "^[^\n]*" or "unknown"
end

--- What the figures depend on besides weir.
local function tools()
  return table.concat({
    first_line(os.getenv "CC" or "cc", "--version"):gsub("^g?cc%S* ", "gcc "):gsub(",", ""),
    os.getenv "CFLAGS" or "",
    first_line(process.interpreter(), "-v"):match "^Lua %S+" or _VERSION,
    first_line("getconf", "GNU_LIBC_VERSION"),
    first_line("uname", "-m"),
  }, ", ")
end

-- -- printing -------------------------------------------------------------------------------------

local function print_line(name, recorded, now, change)
  print((string.format("%-39s %9s %9s %8s", name, recorded, now, change):gsub("%s+$", "")))
end

local function print_row(name, recorded, now)
  local change = recorded and string.format("%+.1f%%", (now / recorded - 1) * 100)
  print_line(name, recorded or "", now, change or "")
end

--- Counts all rows. Returns names and figures, and the names of those that grew.
local function count(recorded)
  local names, figures, grown = {}, {}, {}
  print_line("instructions per operation", "recorded", "now", "change")
  for i, row in ipairs(ROWS) do
    local name = name_of(row)
    names[i], figures[name] = name, math.floor(per_operation(row) + 0.5)
    print_row(name, recorded[name], figures[name])
    if recorded[name] and figures[name] > recorded[name] * (1 + MOST) then
      grown[#grown + 1] = name
    end
  end
  return names, figures, grown
end

local function judge(grown, recorded_with, with)
  if recorded_with ~= with then
    print("\nNot comparable. Recorded with: " .. recorded_with .. "\nnow: " .. with)
  elseif #grown > 0 then
    print(string.format("\nMore than %.0f%% up: %s", MOST * 100, table.concat(grown, "; ")))
    os.exit(1)
  end
end

io.stdout:setvbuf "line"
local recorded, recorded_with = counts.read()
local with = tools()
local names, figures, grown = count(recorded)
if arg[1] == "record" then
  counts.write(with, names, figures)
else
  judge(grown, recorded_with, with)
end
