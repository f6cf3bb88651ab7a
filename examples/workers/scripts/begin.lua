-- A worker begins attempts. They are counted now, so that one that takes the worker with it counts too.
-- ARGV: worker; for each: entry, id. Returns for each "run", kind, args, number of the attempt, time limit; or why not.
local worker = ARGV[1]

local function repeated(id)
  local kind, args, attempt, limit = q.get(id, "kind", "args", "attempt", "limit")
  return { "run", kind, args, tonumber(attempt), limit }
end

local function begin(entry, id)
  local state, its_entry, owner, mark, attempt, tries =
    q.get(id, "state", "entry", "worker", "cancel", "attempt", "tries")
  if its_entry ~= entry then
    q.drop(entry) -- left over
    return { "lost" }
  end
  if mark then
    q.drop(entry)
    q.finish(id, "cancelled", "error", mark)
    return { "cancelled" }
  end
  if state == "running" then
    if owner == worker then return repeated(id) end -- it has not heard the answer
    q.add_to_count "claimed"
  end
  if tonumber(attempt) >= tonumber(tries) then
    q.drop(entry)
    q.bury(id, q.get(id, "error") or ("its worker was lost, " .. attempt .. " times"))
    return { "dead" }
  end
  q.set(id, "state", "running", "worker", worker, "attempt", attempt + 1, "begun", q.now())
  return repeated(id)
end

local answers = {}
for i = 2, #ARGV, 2 do
  answers[#answers + 1] = q.is_held(ARGV[i], worker) and begin(ARGV[i], ARGV[i + 1]) or { "lost" }
end
return answers
