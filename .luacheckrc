std = "lua54"
max_line_length = 120
exclude_files = { "build", ".luarocks", "lua_modules" }

-- Helpers beside the specs use busted's names too.
files["spec"] = { std = "+busted" }
-- What its host gives to the scripts.
files["examples/threads"] = { read_globals = { "threads" } }
-- They run in Redis, `q` is what base.lua returns.
files["examples/workers/scripts"] = { std = "lua51", read_globals = { "redis", "KEYS", "ARGV", "q" } }
-- Declarations for the language server: bodies are empty.
files["lua/weir/meta.lua"] = { ignore = { "211", "212", "241", "431" } }
