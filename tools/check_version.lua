--- Does everything that tells the version tell that of src/weir.h?
local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local header = read "src/weir.h"
local version = assert(header:match('#define WEIR_VERSION%s+"(%d+%.%d+%.%d+)"'), "src/weir.h has no version")
local major, minor, patch = version:match("(%d+)%.(%d+)%.(%d+)")
local number = tonumber(header:match("#define WEIR_VERSION_NUM%s+(%d+)"))

local wrong = 0

local function check(condition, what)
  if condition then return end
  wrong = wrong + 1
  print(("%s does not say %s, as src/weir.h does"):format(what, version))
end

check(number == major * 10000 + minor * 100 + patch, "WEIR_VERSION_NUM")
check(read("docs/reference.md"):find(('a string: `"%s"`'):format(version), 1, true), "docs/reference.md")
check(read("CHANGELOG.md"):find(("\n## %s "):format(version), 1, true) or
  read("CHANGELOG.md"):find(("What will be %s"):format(version), 1, true), "CHANGELOG.md")
check(require "weir"._VERSION == version, "weir._VERSION")
os.exit(wrong == 0, true)
