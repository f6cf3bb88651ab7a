-- One program on the model and on the module: do they do the same?
local model = require "spec.model.init"
local program = require "spec.model.program"
local run = require "spec.model.run"
local shrink = require "spec.model.shrink"
local source = require "spec.model.source"
local weir = require "weir"

local check = { module = weir }

local function same(a, b)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- "same", "different" or "undecided" (README.md), and the traces of the model and the module.
function check.run(list)
  run.number(list)
  local expected, undecided = run.model(model, list)
  local got = run.weir(check.module, list)
  if same(expected, got) then return "same", expected, got end
  return undecided and "undecided" or "different", expected, got
end

local function still_differs(list)
  collectgarbage("step", 0)
  local ok, result = pcall(check.run, list)
  return ok and result == "different"
end

--- A minimal program that differs as this one does.
function check.minimal(list)
  return shrink.minimal(list, still_differs)
end

--- What is to be said of a program that differs: made minimal, as a spec, with what the module does.
function check.report(list)
  local small = check.minimal(list)
  local _, expected, got = check.run(small)
  return source.print(small, expected) .. "-- the module:\n--   " .. table.concat(got, "\n--   ") .. "\n"
end

--- Runs n programs from this seed on; collects garbage between them. Returns the first that differs, with
--- its seed, and the number of undecided ones.
function check.many(n, seed, stage)
  local undecided = 0
  for i = seed, seed + n - 1 do
    local list = program.generate(i, stage)
    local result = check.run(list)
    if result == "different" then return list, i end
    if result == "undecided" then undecided = undecided + 1 end
    if i % 500 == 0 then collectgarbage() end
  end
  return nil, nil, undecided
end

--- Calls f(...) without the collector: programs collect when they say so.
function check.without_collector(f, ...)
  collectgarbage("stop")
  local results = table.pack(pcall(f, ...))
  collectgarbage("restart")
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

return check
