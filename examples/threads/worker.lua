-- A worker: takes jobs, as main.lua sends them, and sends back what came of each, until there are no more.
local weir = require "weir"
local jobs, results = ...

weir.run(function()
  while true do
    local job = weir.await(jobs:receive())
    if not job then break end
    local number, code, argument = ("I4 s4 s4"):unpack(job)
    local ok, value = pcall(function() return load(code)(load(argument)()) end)
    results:send(("I4 B s4"):pack(number, ok and 1 or 0, ("return %q"):format(ok and value or tostring(value))))
  end
end)
