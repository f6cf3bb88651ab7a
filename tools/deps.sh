#!/bin/sh
# deps.sh PACKAGE...: sees to it that what these Debian packages bring is there. What is missing is
# installed when root runs this on Debian; otherwise one line says what to install.
# LUA, CC and LUA_CFLAGS, when set, count as the user's own Lua, compiler and headers.
set -eu

LUA=${LUA:-lua5.4}

have_headers() {
  [ -z "${LUA_CFLAGS:-}" ] || return 0
  for name in lua5.4 lua-5.4 lua; do
    if pkg-config --exists "$name >= 5.4"; then return 0; fi
  done
  return 1
}

# The library of libFuzzer, which is a package of its own.
fuzzes() {
  echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
    clang -fsanitize=fuzzer,address,undefined -x c -o /dev/null -
}

have() {
  case $1 in
    lua5.4) "$LUA" -e 'assert(_VERSION >= "Lua 5.4")' ;;
    liblua5.4-dev) have_headers ;;
    pkg-config) [ -n "${LUA_CFLAGS:-}" ] || command -v pkg-config ;;
    lua-busted) "$LUA" -e 'require "busted.runner"' ;;
    lua-check) command -v luacheck ;;
    lua-ldoc) command -v ldoc ;;
    lua-discount) lua5.1 -e 'require "discount"' ;;
    libclang-rt-dev) fuzzes ;;
    lua-cqueues) "$LUA" -e 'require "cqueues"' ;;
    lua-luv) "$LUA" -e 'require "luv"' ;;
    lua-socket) "$LUA" -e 'require "socket"' ;;
    lua-redis) "$LUA" -e 'package.path = package.path .. ";/usr/share/lua/5.3/?.lua"; require "redis"' ;;
    python3-twisted) "${PYTHON:-/usr/bin/python3}" -c 'import twisted' ;;
    graphviz) command -v dot ;;
    nodejs) command -v "${NODE:-/usr/bin/node}" ;;
    *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

missing() {
  for package; do
    have "$package" || printf ' %s' "$package"
  done
}

lacks=$(missing "$@")
[ -n "$lacks" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing; install these Debian packages (or what they stand for):$lacks" >&2
  exit 1
fi

echo "installing:$lacks"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update </dev/null
# shellcheck disable=SC2086 # a list of packages
apt-get -qq install -y --no-install-recommends $lacks </dev/null >/dev/null

lacks=$(missing "$@")
if [ -n "$lacks" ]; then
  echo "installed, but still not usable:$lacks" >&2
  exit 1
fi
