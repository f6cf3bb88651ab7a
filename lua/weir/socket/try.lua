--- LuaSocket's exceptions: what `try` raises, `protect` returns as nil and an error.
local try = {}

local Exception = { __metatable = false }

local function ignore() end

local function is_exception(err)
  return type(err) == "table" and debug.getmetatable(err) == Exception
end

local function check(finalizer, ok, ...)
  if ok then return ok, ... end
  pcall(finalizer)
  error(setmetatable({ (...) }, Exception), 0)
end

--- @param finalizer called before it raises
--- @return function that returns its arguments, or raises the second one if the first is false or nil
function try.newtry(finalizer)
  finalizer = finalizer or ignore
  return function(...) return check(finalizer, ...) end
end

local function unwrap(ok, ...)
  if ok then return ... end
  local err = (...)
  if is_exception(err) then return nil, err[1] end
  error(err, 0)
end

--- @return function that does the same as f, but returns nil and the error where `try` has raised
function try.protect(f)
  return function(...) return unwrap(pcall(f, ...)) end
end

return try
