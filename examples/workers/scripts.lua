--- The scripts in the directory of that name, which run in Redis.
local HERE = debug.getinfo(1, "S").source:match "^@(.*)scripts%.lua$"

local scripts = {}

local texts, hashes = {}, {} -- by name; a hash is what Redis calls one by

local function read(name)
  local file = assert(io.open(HERE .. "scripts/" .. name .. ".lua"))
  local text = file:read "a"
  file:close()
  return text
end

local function text_of(name)
  texts[name] = texts[name] or ("local q = (function() %s end)()\n%s"):format(read "base", read(name))
  return texts[name]
end

local function load(client, name)
  hashes[name] = client:script("load", text_of(name))
end

--- Awaits what the script returns.
--- @param arguments list of strings and numbers
function scripts.run(client, name, key, arguments)
  if not hashes[name] then load(client, name) end
  local command = { hashes[name], 1, key }
  table.move(arguments, 1, #arguments, 4, command)
  local ok, answer = pcall(client.evalsha, client, command)
  if ok then return answer end
  if not tostring(answer):find "NOSCRIPT" then error(answer, 0) end
  load(client, name) -- the server has been started anew
  return client:evalsha(command)
end

return scripts
