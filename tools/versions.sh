#!/bin/sh
# versions.sh DIR...: builds weir for each of these trees of Lua, runs examples, the programs in C and, where busted can
# be loaded, the specs scaled down. A tree is what `make install INSTALL_TOP=DIR` of Lua leaves, or its source directory
# once built; busted is looked for in its share/lua and, for the same version of Lua, where the Lua of LUA finds its own.
# Specs that are known to differ in some versions of Lua are in spec/versions.txt.
set -eu

LUA=${LUA:-lua5.4}
EXAMPLES='cascade cancel_one factorial release'
export WEIR_SCALE=small

first_of() { # the first of these files
  for file; do
    if [ -e "$file" ]; then echo "$file"; return; fi
  done
  echo "no $1, nor in its src or beside it" >&2
  exit 1
}

paths() { # of the modules: those of weir, of the tree, and of LUA if it is the same version
  number=$("$lua" -e 'print(_VERSION:match "%d+%.%d+")')
  LUA_PATH="lua/?.lua;lua/?/init.lua;$dir/share/lua/$number/?.lua;$dir/share/lua/$number/?/init.lua"
  LUA_CPATH="$build/?.so;$build/host/?.so;$dir/lib/lua/$number/?.so"
  if [ "$("$LUA" -e 'print(_VERSION)')" = "Lua $number" ]; then
    LUA_PATH="$LUA_PATH;$("$LUA" -e 'print(package.path)')"
    LUA_CPATH="$LUA_CPATH;$("$LUA" -e 'print(package.cpath)')"
  fi
  LUA_PATH="$LUA_PATH;./?.lua"
}

run() { LUA="$lua" WEIR_HOST="$build/host" LUA_PATH="$LUA_PATH" LUA_CPATH="$LUA_CPATH" "$lua" "$@"; }

# With this Lua, below build/lua-RELEASE.
remake() {
  ${MAKE:-make} --no-print-directory -s V="lua-$release" LUA="$lua" LUA_CFLAGS="-I$include" \
    LUA_LIBS="-Wl,-E $library -lm -ldl" WERROR=-Werror "$@"
}

busted() { # a weir.core is below $1, the specs are $2
  ended=0
  run -e 'require "busted.runner" { standalone = false }' /dev/null --ignore-lua --cpath="$1/?.so" -o TAP "$2" ||
    ended=$?
  [ "$ended" -le 1 ] || echo "not ok 0 - $2: ended with $ended"
}

# One process for each: what busted keeps of all of them makes every full collection slow.
specs() {
  for file in spec/budget/*.lua; do busted "$build/frames" "$file"; done
  for file in spec/*_spec.lua spec/hard spec/regress spec/twisted; do busted "$build" "$file"; done
}

try() {
  lua=$(first_of "$dir/bin/lua" "$dir/src/lua" "$dir/lua")
  include=$(dirname "$(first_of "$dir/include/lua.h" "$dir/src/lua.h" "$dir/lua.h")")
  library=$(first_of "$dir/lib/liblua.a" "$dir/src/liblua.a" "$dir/liblua.a")
  release=$("$lua" -v | cut -d' ' -f2)
  build=build/lua-$release
  echo "== Lua $release"
  remake build programs
  paths
  for name in $EXAMPLES; do run "examples/$name.lua" >"$build/$name.out"; done
  remake game-spec
  if run -e 'require "busted.runner"' 2>"$build/busted.out"; then
    specs >"$build/specs.out" 2>&1
    run tools/versions.lua "$release" "$build/specs.out" spec/versions.txt
  else
    echo "no busted for it: only the examples were run"
  fi
}

result=0
for dir; do
  set +e
  (set -e; try)
  [ $? -eq 0 ] || result=1
  set -e
done
exit $result
