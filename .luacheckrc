std = "lua54"
max_line_length = 120
exclude_files = { "build", ".luarocks", "lua_modules" }

-- Helpers beside the specs use busted's names too.
files["spec"] = { std = "+busted" }
-- Declarations for the language server: bodies are empty.
files["lua/weir/meta.lua"] = { ignore = { "211", "212", "241", "431" } }
