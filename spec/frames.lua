-- Reads tracebacks: which line of which function, stack by stack.
local frames = {}

--- The line of the caller.
function frames.here() return debug.getinfo(2, "l").currentline end

--- The Lua frames of each stack in a traceback: the line, with its file before it if that is not the caller's.
function frames.of(traceback)
  local own, stacks = debug.getinfo(2, "S").short_src, {}
  for text in traceback:gmatch("[^\n]+") do
    local file, line = text:match("^\t(.-):(%d+): in ")
    if text == "stack traceback:" then
      stacks[#stacks + 1] = {}
    elseif file then
      table.insert(stacks[#stacks], file == own and tonumber(line) or file .. ":" .. line)
    end
  end
  local _, links = traceback:gsub("\nawaited by:\nstack traceback:\n", "")
  assert(links == math.max(#stacks - 1, 0), traceback)
  return stacks
end

return frames
