--- Lines: what is taken from those that come, and how those that go out look.
local protocol = {}

protocol.LONGEST = 400 -- bytes that are passed on; a longer line is answered with a complaint
protocol.LIMIT = 4096  -- bytes without an end of the line, behind which nobody listens any more

-- What a terminal would obey instead of showing it: C0, DEL and C1 of Unicode.
local function without_controls(text)
  return (text:gsub("%c", " "):gsub("\xC2[\x80-\x9F]", " "))
end

--- @param line as it came, with its end
--- @return string, perhaps empty; or nil and a complaint
function protocol.text_of(line)
  if #line > protocol.LONGEST then
    return nil, ("that was too long, and nobody has seen it: %d bytes at most"):format(protocol.LONGEST)
  end
  if not utf8.len(line) then return nil, "that was no UTF-8, and nobody has seen it" end
  return without_controls(line):match "^%s*(.-)%s*$"
end

--- Is it a name for somebody, or for a room?
function protocol.is_name(text)
  return #text <= 16 and text:find "^%a[%w_-]*$" ~= nil
end

--- @return command in small letters and what follows it; nil if the text is none
function protocol.command_of(text)
  local name, argument = text:match "^/(%S*)%s*(.*)$"
  if name then return name:lower(), argument end
end

--- A line that somebody says.
function protocol.said(name, text) return ("<%s> %s\n"):format(name, text) end

--- A line of the server's.
function protocol.notice(text) return ("* %s\n"):format(text) end

return protocol
