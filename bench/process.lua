--- What this process holds, and the interpreter that runs it.
local process = {}

--- Twice, so that also goes what the first round left to finalizers.
function process.collect()
  collectgarbage()
  collectgarbage()
end

--- By Lua's own count, without garbage.
function process.lua_bytes()
  process.collect()
  return collectgarbage "count" * 1024 // 1
end

--- As the system counts it, garbage included; nil where there is no /proc.
function process.resident_bytes()
  local file = io.open "/proc/self/status"
  local kilobytes = file and file:read("a"):match "VmRSS:%s*(%d+)"
  if file then
    file:close()
  end
  return kilobytes and kilobytes * 1024
end

local function quoted(s)
  return "'" .. s:gsub("'", "'\\''") .. "'"
end

--- What starts the interpreter that runs this.
function process.interpreter()
  local lowest = 0
  while arg[lowest - 1] do
    lowest = lowest - 1
  end
  return arg[lowest]
end

--- What a command, given word for word, writes, and its exit status.
function process.run(...)
  local words = { ... }
  for i = 1, #words do
    words[i] = quoted(tostring(words[i]))
  end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local output = pipe:read "a"
  local ok, _, status = pipe:close()
  return output, ok and 0 or status
end

--- What a Lua program of this directory writes, run in a process of its own.
function process.output(program, ...)
  local path = arg[0]:gsub("[^/]*$", "") .. program
  local output, status = process.run(process.interpreter(), path, ...)
  assert(status == 0, "cannot run " .. program)
  return output
end

return process
