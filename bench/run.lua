--- Runs workloads and their baselines in turn and prints a table of both.
-- lua bench/run.lua [name ...]; see README.md beside this file.
local dir = arg[0]:gsub("[^/]*$", "")
package.path = dir .. "?.lua;" .. package.path
local process = require "process"
local counts = require "counts"
local weir = require "weir"
local clock = os.clock

local WORKLOADS = {
  "switch",
  "spawn",
  "spawn_await",
  "ping_pong",
  "await_fired",
  "callbacks",
  "all",
  "noreturn",
  "nested",
  "memory",
  "cancel_chain",
  "cancel_sleepers",
  "pause_chain",
  "sleepers",
}
local RUNS = 7
local small = os.getenv "WEIR_SCALE" == "small"

-- -- measuring ------------------------------------------------------------------------------------

--- Leaves nothing behind for the next run to pay for. Coroutines that wait and that nobody can reach
-- are found by the collector, end in the next turn, and are garbage then, after their finalizers.
local function collect()
  collectgarbage()
  weir.step()
  process.collect()
end

--- Nanoseconds of processor time per operation. If f returns a function, it has only prepared: what
-- it returned is what counts. Whatever else it returns is not released before the clock stops.
local function nanoseconds(f, n)
  local start = clock()
  local result = f(n)
  local stop = clock()
  if type(result) == "function" then
    collectgarbage()
    start = clock()
    result()
    stop = clock()
  end
  return (stop - start) * 1e9 / n
end

local function median(figures)
  table.sort(figures)
  return figures[(#figures + 1) // 2]
end

--- How far the runs lie apart, the fastest and the slowest left out where there are enough.
local function spread(figures)
  table.sort(figures)
  local out = #figures > 4 and 1 or 0
  local width = figures[#figures - out] - figures[1 + out]
  return width == 0 and 0 or width / median(figures)
end

--- What is measured of a row, one after the other in every run.
local function parts_of(row)
  local n = small and row.n // 10 or row.n
  local parts = { workload = { row.workload, n }, baseline = { row.baseline, n } }
  if row.growth then
    parts.less_workload = { row.workload, n // 10 }
    parts.less_baseline = { row.baseline, n // 10 }
  end
  return parts
end

local ORDER = { "workload", "baseline", "less_workload", "less_baseline" }

--- The figures of all runs by part.
local function figures_of(row)
  local parts, figures = parts_of(row), {}
  local measured = row.unit and function(f, n)
    return f(n)
  end or nanoseconds
  for i = 1, math.min(row.runs or RUNS, small and 3 or RUNS) do
    for _, name in ipairs(ORDER) do
      local f, n = table.unpack(parts[name] or {})
      if f then
        collect()
        figures[name] = figures[name] or {}
        figures[name][i] = measured(f, n)
      end
    end
  end
  return figures
end

local function measure(row)
  local figures = figures_of(row)
  local result = { figure = median(figures.workload), spread = spread(figures.workload) }
  if figures.baseline then
    result.baseline = median(figures.baseline)
    result.ratio = result.figure / result.baseline
  end
  if figures.less_workload then
    result.growth = result.figure / median(figures.less_workload)
    result.baseline_growth = result.baseline / median(figures.less_baseline)
  end
  return result
end

-- -- printing -------------------------------------------------------------------------------------

local function yes_no(met)
  return met and "yes" or "NO"
end

local function number(x)
  return string.format(x < 100 and x % 1 ~= 0 and "%.1f" or "%.0f", x)
end

local instructions = counts.read()

local function cells(row, r)
  local unit = row.unit or "ns"
  local reached = r.ratio or r.figure
  return {
    row.name,
    number(r.figure) .. " " .. unit,
    r.baseline and number(r.baseline) .. " " .. unit or "",
    r.ratio and string.format("%.2f", r.ratio) or "",
    r.ratio and string.format("%.2f", row.target) or number(row.target) .. " " .. unit,
    yes_no(reached <= row.target),
    string.format("%.0f%%", r.spread * 100),
    r.growth and string.format("%.2f", r.growth) or "",
    r.growth and string.format("%.2f", r.baseline_growth) or "",
    r.growth and string.format("%.2f", row.growth) or "",
    r.growth and yes_no(r.growth <= row.growth) or "",
    instructions[row.name] and number(instructions[row.name]) or "",
  }
end

local COLUMNS = {
  { "workload", 39 },
  { "weir", 9 },
  { "baseline", 9 },
  { "ratio", 6 },
  { "target", 8 },
  { "met", 4 },
  { "spread", 7 },
  { "10x", 6 },
  { "baseline", 9 },
  { "most", 6 },
  { "met", 4 },
  { "instr.", 7 },
}

local function print_line(line)
  local out = { string.format("%-" .. COLUMNS[1][2] .. "s", line[1]) }
  for i = 2, #COLUMNS do
    out[i] = string.format("%" .. COLUMNS[i][2] .. "s", line[i])
  end
  print((table.concat(out, " "):gsub("%s+$", "")))
end

local function print_head()
  local line = {}
  for i, column in ipairs(COLUMNS) do
    line[i] = column[1]
  end
  print_line(line)
end

-- -- what to run ----------------------------------------------------------------------------------

--- A file returns a row or a list of them. One without a workload cannot be measured here.
local function rows_of(name)
  local rows = assert(loadfile(dir .. name .. ".lua"))()
  return rows.name and { rows } or rows
end

local function check_names(names)
  local known = {}
  for _, name in ipairs(WORKLOADS) do
    known[name] = true
  end
  for _, name in ipairs(names) do
    if not known[name] then
      io.stderr:write("no workload '", name, "'; there are: ", table.concat(WORKLOADS, " "), "\n")
      os.exit(1)
    end
  end
end

local names = #arg > 0 and table.move(arg, 1, #arg, 1, {}) or WORKLOADS
check_names(names)
io.stdout:setvbuf "line"
collectgarbage(os.getenv "WEIR_GC" or "incremental")
if small then
  print "WEIR_SCALE=small: a tenth of the size, 3 runs; do not judge targets by these figures.\n"
end
print_head()
for _, name in ipairs(names) do
  for _, row in ipairs(rows_of(name)) do
    if row.workload then
      print_line(cells(row, measure(row)))
    end
  end
end
