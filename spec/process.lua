--- Lua programs run in processes of their own, with the paths and the interpreter that we have.
local process = {}

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

--- The interpreter that runs us.
function process.interpreter()
  local i = 0
  while arg and arg[i - 1] do i = i - 1 end
  return os.getenv("LUA") or i < 0 and arg[i] or "lua5.4"
end

local PATIENCE = 300 -- seconds; a program that hangs is to fail its spec

-- What the command prints, and how it ended, as `close` of its pipe tells it.
local function output_of(command)
  local pipe = assert(io.popen(("LUA_PATH=%s LUA_CPATH=%s timeout %d %s %s 2>&1")
    :format(quote(package.path), quote(package.cpath), PATIENCE, process.interpreter(), command)))
  local output = pipe:read("a")
  return output, pipe:close()
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

--- Runs the text of a program. Returns what it prints, whether it ended well, "exit" or "signal", and its number.
function process.run(text)
  local path = os.tmpname()
  write(path, text)
  local output, ok, how, status = output_of(quote(path))
  os.remove(path)
  return output, ok, how, status
end

-- Our paths go first, whatever is in .busted.
local BUSTED = ("-e 'require \"busted.runner\" { standalone = false }' /dev/null --ignore-lua --output=plainTerminal "
  .. "--lpath=%s --cpath=%s"):format(quote(package.path), quote(package.cpath))

--- Has busted run texts as files of specs, in the order of the list. Returns what it reports.
function process.busted(texts, options)
  local names, paths = {}, {}
  for i, text in ipairs(texts) do
    names[i] = os.tmpname() -- is a file now
    paths[i] = names[i] .. ".lua"
    write(paths[i], text)
  end
  local output = output_of(("%s %s %s"):format(BUSTED, options or "", table.concat(paths, " ")))
  for i, path in ipairs(paths) do
    os.remove(names[i])
    os.remove(path)
  end
  return output
end

return process
