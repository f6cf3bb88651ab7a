--- A program: one run of a workload, for count.lua to count its instructions.
-- lua counted.lua FILE ROW N
local dir = arg[0]:gsub("[^/]*$", "")
package.path = dir .. "?.lua;" .. package.path
local rows = dofile(dir .. arg[1] .. ".lua")
local row = rows.name and rows or rows[tonumber(arg[2])]
local prepared = row.workload(tonumber(arg[3]))
if prepared then
  collectgarbage()
  os.clock() -- here the count starts anew
  prepared()
end
-- Without closing the state, which would be counted too.
os.exit(true, false)
