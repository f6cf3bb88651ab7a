-- docs/cqueues.md has all that is public, and nothing else. Its examples are run by docs_spec.lua.
if not pcall(require, "cqueues") then return pending "cqueues is not installed" end

local cq = require "weir.cqueues"
local markdown = require "tools.markdown"

describe("docs of weir.cqueues", function()
  local names = markdown.headings("docs/cqueues.md")

  it("have a heading for every public name", function()
    for name in pairs(cq) do assert(names["cq." .. name], "no heading: " .. name) end
  end)

  it("have no heading for what does not exist", function()
    for name in pairs(names) do
      local key = name:match "^cq%.(.+)$"
      assert(not key or cq[key], "no such thing: " .. name)
    end
  end)
end)
