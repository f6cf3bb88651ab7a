-- A worker leaves: all that it has not finished goes back into the stream, as if it had never begun that.
-- ARGV: worker. Returns how many these were.
local worker, given_back = ARGV[1], 0
for _, pending in ipairs(redis.call("XPENDING", q.stream, q.group, "-", "+", 100000, worker)) do
  local entry = pending[1]
  local fields = redis.call("XRANGE", q.stream, entry, entry)[1]
  local id = fields and fields[2][2]
  q.drop(entry)
  if id and q.get(id, "entry") == entry then
    local state, attempt = q.get(id, "state", "attempt")
    if state == "running" then q.set(id, "attempt", attempt - 1) end
    q.enqueue(id)
    given_back = given_back + 1
  end
end
q.forget(worker)
return given_back
