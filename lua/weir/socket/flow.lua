--- LuaSocket's sources and sinks, for its module ltn12.
-- `module`: the one that has BLOCKSIZE, which anybody may set.
local flow = { module = { BLOCKSIZE = 2048 }, sourcet = {}, sinkt = {} }

-- They can be given where a socket is selected on.
local function over(sock, call)
  return setmetatable({
    getfd = function() return sock:getfd() end,
    dirty = function() return sock:dirty() end,
  }, { __call = function(_, ...) return call(...) end })
end

local function choose(makers)
  return function(name, first, second)
    if type(name) ~= "string" then name, first, second = "default", name, first end
    local make = makers[name]
    if not make then error("unknown key (" .. name .. ")", 3) end
    return make(first, second)
  end
end

flow.sinkt["close-when-done"] = function(sock)
  return over(sock, function(chunk)
    if chunk then return sock:send(chunk) end
    sock:close()
    return 1
  end)
end

flow.sinkt["keep-open"] = function(sock)
  return over(sock, function(chunk)
    if chunk then return sock:send(chunk) end
    return 1
  end)
end

flow.sourcet["by-length"] = function(sock, length)
  return over(sock, function()
    if length <= 0 then return nil end
    local chunk, err = sock:receive(math.min(flow.module.BLOCKSIZE, length))
    if err then return nil, err end
    length = length - #chunk
    return chunk
  end)
end

flow.sourcet["until-closed"] = function(sock)
  local is_done = false
  return over(sock, function()
    if is_done then return nil end
    local chunk, err, partial = sock:receive(flow.module.BLOCKSIZE)
    if not err then return chunk end
    if err ~= "closed" then return nil, err end
    sock:close()
    is_done = true
    return partial
  end)
end

flow.sinkt["default"] = flow.sinkt["keep-open"]
flow.sourcet["default"] = flow.sourcet["until-closed"]
flow.choose = choose
flow.sink = choose(flow.sinkt)
flow.source = choose(flow.sourcet)

return flow
