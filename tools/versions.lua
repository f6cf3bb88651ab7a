-- versions.lua RELEASE TAP KNOWN: are the specs that fail with this release of Lua those known to? A line of KNOWN is
-- FROM TO TITLE, the releases in which the spec fails, or a comment behind #.
local release, tap, known = ...

local function number(text)
  local a, b, c = text:match "(%d+)%.(%d+)%.(%d+)"
  return (a * 1000 + b) * 1000 + c
end

local function differs(from, to)
  return number(from) <= number(release) and (to == "-" or number(release) <= number(to))
end

-- Of an example in a page the line, which changes with the page, is left out.
local function plain(title) return (title:gsub("%.md:%d+", ".md")) end

local function expected()
  local titles = {}
  for line in io.lines(known) do
    local from, to, title = line:match "^(%d%S+) (%S+) (.+)$"
    if from and differs(from, to) then titles[title] = (titles[title] or 0) + 1 end
  end
  return titles
end

local titles, passed, listed, failed = expected(), 0, 0, 0
for line in io.lines(tap) do
  local no, title = line:match "^(n?o?t? ?)ok %d+ %- (.*)$"
  if no == "" then
    passed = passed + 1
  elseif no then
    title = plain(title)
    local left = titles[title] or 0
    titles[title] = left > 0 and left - 1 or nil
    if left > 0 then listed = listed + 1 else failed = failed + 1; print("failed: " .. title) end
  end
end
for title, left in pairs(titles) do
  if left > 0 then failed = failed + 1; print("listed, but did not fail: " .. title) end
end
print(("%d passed, %d differ as listed, %d failed"):format(passed, listed, failed))
os.exit(failed == 0 and passed > 0)
