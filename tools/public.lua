--- What is public of weir, found by looking at it: `weir.await`, `d:callback`, `clock:advance`.
local weir = require "weir"

local public = {}

local function ignore() end

local function a_scope()
  local object
  weir.scope(function(scope) object = scope end)
  return object
end

--- One object of each kind, under the name that it has in the documents.
function public.kinds()
  return {
    d = weir.Deferred(), co = weir.spawn(ignore), clock = weir.Clock(), scope = a_scope(),
    lock = weir.Lock(), semaphore = weir.Semaphore(1), queue = weir.Queue(), event = weir.Event(),
    barrier = weir.Barrier(1),
  }
end

local function methods_of(object)
  local list = {}
  for name in pairs(debug.getmetatable(object).__index) do
    if not name:find("^__") then list[#list + 1] = name end
  end
  return list
end

-- ---- errors ----

local function raised(f, ...)
  local _, err = pcall(f, ...)
  return err
end

-- Its first fire has been noted.
local function called_twice()
  local old = weir.debug(true)
  local d = weir.Deferred()
  d:callback()
  local err = raised(d.callback, d)
  weir.debug(old)
  return err
end

local function cancelled()
  local d = weir.Deferred()
  d:cancel "reason"
  return raised(d.result, d)
end

local function timed_out()
  local clock = weir.Clock()
  local d = clock:timeout(weir.Deferred(), 0)
  clock:advance(0)
  return raised(d.result, d)
end

local function stuck()
  local d = weir.Deferred()
  d:callback():add_callback(function() return d end)
  return raised(d.result, d)
end

local function exceeded()
  local co = weir.spawn(function()
    weir.current():limit { instructions = 1000 }
    while true do end
  end)
  return raised(co.result, co)
end

local function closed()
  local queue = weir.Queue()
  queue:close()
  local d = queue:get()
  return raised(d.result, d)
end

local function all_failed()
  local d = weir.any { weir.fail "no" }
  return raised(d.result, d)
end

--- The name of each class of error objects -> the names of the fields that one can have.
function public.errors()
  local errors = { WeirError = { name = true, message = true } } -- comes of handles, which only C code has
  for _, err in ipairs { cancelled(), timed_out(), called_twice(), stuck(), exceeded(), closed(), all_failed() } do
    local fields = { name = true, message = true }
    for name in pairs(err) do fields[name] = true end
    errors[err.name] = fields
  end
  return errors
end

--- The names of those classes as the sources have them.
function public.error_names()
  local names = {}
  local pipe = assert(io.popen("cat src/*.c lua/weir/*.lua"))
  for line in pipe:lines() do
    for name in line:gmatch('"(%u%w+Error)"') do names[name] = true end
  end
  pipe:close()
  return names
end

-- ---- names ----

--- All that there is, as a set of names.
function public.names()
  local names = {}
  for name in pairs(weir) do names["weir." .. name] = true end
  for kind, object in pairs(public.kinds()) do
    for _, method in ipairs(methods_of(object)) do names[kind .. ":" .. method] = true end
  end
  return names
end

--- Is it written about by this name? What a Coroutine has from Deferreds is, by the name that it has there.
function public.is_own(name, names)
  local method = name:match("^co:(.*)")
  return names[name] and not (method and names["d:" .. method])
end

--- The same set without what is written about by another name.
function public.own_names()
  local names, own = public.names(), {}
  for name in pairs(names) do
    if public.is_own(name, names) then own[name] = true end
  end
  return own
end

return public
