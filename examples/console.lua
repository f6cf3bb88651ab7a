-- Asks a running program that has a console: lua examples/console.lua PATH [COMMAND ...]
-- Without a command it reads commands from standard input. `help` lists them.
local uv = require "luv"

local path = arg[1]
if not path then
  io.stderr:write("usage: lua examples/console.lua PATH [COMMAND ...]\n")
  os.exit(2)
end

local function fail(err)
  io.stderr:write(path .. ": " .. err .. "\n")
  os.exit(1)
end

local pipe = uv.new_pipe()
local text, is_over = "", false -- what has come

local function on_read(err, data)
  if err then fail(err) end
  if data then text = text .. data else is_over = true end
end

pipe:connect(path, function(err)
  if err then fail(err) end
  pipe:read_start(on_read)
end)

-- An answer ends with a line end and a zero byte.
local function ask(line)
  pipe:write(line .. "\n")
  while not text:find("\0", 1, true) do
    if is_over then fail "the program has hung up" end
    uv.run "once"
  end
  local answer, rest = text:match "^(.-)\n?%z(.*)$"
  text = rest
  return answer
end

if arg[2] then
  print(ask(table.concat(arg, " ", 2)))
else
  io.write "> "
  for line in io.lines() do
    print(ask(line))
    io.write "> "
  end
  print()
end
