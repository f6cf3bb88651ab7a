#!/bin/sh
# package.sh ARCHIVE: from the archive that `make dist` makes to a rock, to an installed rock, and back to nothing; the
# same with `make install`. All of it offline, below build/package.
set -eu

LUA=${LUA:-lua5.4}
archive=$(realpath "$1")
name=$(basename "$archive" .tar.gz)
number=$("$LUA" -e 'print(_VERSION:match "%d+%.%d+")')
root=$PWD
here=build/package

fail() {
  echo "package: $*" >&2
  exit 1
}

# A server that is not there: whatever luarocks would fetch is an error.
rocks() {
  luarocks --lua-version "$number" --only-server="$root/$here/no-server" "$@" >log 2>&1 || { cat log; fail "luarocks $*"; }
}

# What is below a directory and no list of luarocks' own.
files_in() {
  find "$1" -type f ! -path '*/luarocks/*/manifest' ! -path '*/luarocks/*/index.html'
}

# With nothing but the modules in a tree: a program of examples/ prints what it prints from here.
check_tree() {
  LUA_PATH="$1/share/lua/$number/?.lua;$1/share/lua/$number/?/init.lua" LUA_CPATH="$1/lib/lua/$number/?.so" \
    "$LUA" "$root/examples/release.lua" >printed || fail "a program does not run with $1"
  grep -q "state2's value (100000 numbers)" printed || fail "a program does not do its work with $1"
  exported=$(nm -D --defined-only "$1/lib/lua/$number/weir/core.so" | sed -n 's/.* [TDBRW] //p' | grep -v '^_' || true)
  [ "$exported" = luaopen_weir_core ] || fail "exported from $1: $exported"
}

check_empty() {
  left=$(files_in "$1")
  [ -z "$left" ] || fail "left behind in $1: $left"
}

unpack() { # what is in the archive is what git tracks
  tar -xzf "$archive"
  (cd "$name" && find . -type f -o -type l) | sed 's,^\./,,' | LC_ALL=C sort >unpacked
  (cd "$root" && git ls-files) | LC_ALL=C sort | diff -u --label 'git ls-files' --label "$name" - unpacked
}

make_rock() {
  (cd "$name" && rocks make --tree "$root/$here/first" rockspec/*.rockspec)
  check_tree first
  rocks pack weir --tree first
  rock=$(ls ./*.rock)
}

install_rock() {
  mkdir second
  rocks install --tree second "$rock"
  check_tree second
  (cd "$name/lua" && find . -name '*.lua') | while read -r file; do
    [ -e "second/share/lua/$number/$file" ] || fail "$file is not in the rock"
  done
  rocks remove --tree second weir
  check_empty second
}

install_by_make() {
  (cd "$name" && ${MAKE:-make} -s --no-print-directory install PREFIX=/usr DESTDIR="$root/$here/third" >log)
  check_tree third/usr
  (cd "$name" && ${MAKE:-make} -s --no-print-directory uninstall PREFIX=/usr DESTDIR="$root/$here/third" >log)
  check_empty third
}

rm -rf "$here"
mkdir -p "$here"
cd "$here"
unpack
make_rock
install_rock
install_by_make
echo "package: $name is built, packed, installed, used and removed"
