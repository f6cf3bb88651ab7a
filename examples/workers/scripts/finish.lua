-- A worker tells what has come of attempts. Where it has lost the job meanwhile, that counts for nothing.
-- ARGV: worker; for each: entry, id, "done" or "failed" or "cancelled", result or error, pause before the next attempt
-- (us). Returns for each the state that the job is in now, or "lost".
local worker = ARGV[1]

-- Its own, if it has not heard the answer.
local function state_behind(id)
  local state, owner = q.get(id, "state", "worker")
  return owner == worker and state ~= "running" and state or "lost"
end

local function delay(id, err, pause)
  q.set(id, "state", "delayed", "error", err)
  redis.call("ZADD", q.delayed, q.now() + pause, id)
  q.add_to_count "retried"
end

local function finish(id, outcome, text, pause)
  local attempt, tries, mark = q.get(id, "attempt", "tries", "cancel")
  if outcome == "done" then
    q.finish(id, "done", "result", text)
  elseif outcome == "cancelled" or mark then
    q.finish(id, "cancelled", "error", mark or text)
  elseif tonumber(attempt) >= tonumber(tries) then
    q.bury(id, text)
  else
    delay(id, text, pause)
  end
  return (q.get(id, "state"))
end

local answers = {}
for i = 2, #ARGV, 5 do
  local entry, id, outcome, text, pause = unpack(ARGV, i, i + 4)
  if q.is_held(entry, worker) then
    q.drop(entry)
    answers[#answers + 1] = finish(id, outcome, text, pause)
  else
    answers[#answers + 1] = state_behind(id)
  end
end
return answers
