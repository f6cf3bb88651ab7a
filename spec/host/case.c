#include "case.h"

#include <stdlib.h>
#include <string.h>

#include "lualib.h"

/* ---- states ---- */

void case_open_weir(lua_State *L, lua_CFunction prepare) {
  luaL_openlibs(L);
  lua_pushcfunction(L, prepare);
  lua_setfield(L, LUA_REGISTRYINDEX, "prepare");
  lua_pushcfunction(L, prepare);
  lua_call(L, 0, 0);
  case_lua(L, 0, 0, "weir = require 'weir'");
}

lua_CFunction case_prepare(lua_State *L) {
  lua_CFunction prepare;
  lua_getfield(L, LUA_REGISTRYINDEX, "prepare");
  prepare = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  return prepare;
}

/* ---- checks ---- */

void case_fail(lua_State *L, const char *file, int line, const char *what) {
  luaL_error(L, "%s:%d: %s", file, line, what);
}

static void push_shown(lua_State *L, int idx) {
  const weir_Api *weir = weir_api(L);
  switch (lua_type(L, idx)) {
  case LUA_TNUMBER:
  case LUA_TBOOLEAN:
  case LUA_TNIL: luaL_tolstring(L, idx, NULL); break;
  case LUA_TSTRING: lua_pushfstring(L, "'%s'", lua_tostring(L, idx)); break;
  case LUA_TTABLE:
    if (luaL_getmetafield(L, idx, "__name") == LUA_TSTRING)
      lua_pushfstring(L, "E:%s", lua_tostring(L, -1));
    else
      lua_pushliteral(L, "T");
    break;
  case LUA_TFUNCTION: lua_pushliteral(L, "F"); break;
  case LUA_TTHREAD: lua_pushliteral(L, "L"); break;
  default:
    if (!weir->is_deferred(L, idx))
      lua_pushliteral(L, "U");
    else
      lua_pushstring(L, strncmp(luaL_tolstring(L, idx, NULL), "Coroutine", 9) ? "D" : "C");
  }
}

static void push_stack(lua_State *L) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  lua_pushliteral(L, "");
  for (int i = 1; i <= top; i++) {
    int text = lua_gettop(L);
    push_shown(L, i);
    lua_pushfstring(L, "%s%s%s", lua_tostring(L, text), i > 1 ? " " : "", lua_tostring(L, -1));
    lua_replace(L, text);
    lua_settop(L, text);
  }
}

static void compare(lua_State *L, const char *file, int line, const char *expected) {
  if (strcmp(lua_tostring(L, -1), expected) != 0)
    luaL_error(L, "%s:%d: is\n  %s\nnot\n  %s", file, line, lua_tostring(L, -1), expected);
  lua_pop(L, 1);
}

void case_check_stack(lua_State *L, const char *file, int line, const char *expected) {
  push_stack(L);
  compare(L, file, line, expected);
}

void case_check_raises(lua_State *L, const char *file, int line, int n, lua_CFunction f,
                       const char *text) {
  int first = lua_gettop(L) - n + 1;
  luaL_checkstack(L, n + 4, NULL);
  lua_pushcfunction(L, f);
  for (int i = 0; i < n; i++)
    lua_pushvalue(L, first + i);
  if (lua_pcall(L, n, 0, 0) == LUA_OK)
    case_fail(L, file, line, "no error was raised");
  luaL_tolstring(L, -1, NULL);
  lua_remove(L, -2);
  compare(L, file, line, text);
}

/* ---- Lua ---- */

void case_lua(lua_State *L, int n, int want, const char *chunk) {
  if (luaL_loadbuffer(L, chunk, strlen(chunk), "=chunk") != LUA_OK)
    lua_error(L);
  lua_insert(L, -n - 1);
  lua_call(L, n, want);
}

static const char log_key;

void case_log(lua_State *L, const char *word) {
  luaL_checkstack(L, 4, NULL);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &log_key) == LUA_TNIL)
    lua_pushstring(L, word);
  else
    lua_pushfstring(L, "%s %s", lua_tostring(L, -1), word);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &log_key);
  lua_pop(L, 1);
}

void case_check_log(lua_State *L, const char *file, int line, const char *expected) {
  int top = lua_gettop(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &log_key) == LUA_TNIL)
    lua_pushliteral(L, "");
  compare(L, file, line, expected);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &log_key);
  lua_settop(L, top);
}

void case_inside(lua_State *L, int n, lua_CFunction f) {
  const weir_Api *weir = weir_api(L);
  int values;
  lua_pushcfunction(L, f);
  lua_insert(L, -n - 1);
  weir->spawn(L, n);
  if (weir->outcome(L, -1, &values) == WEIR_FAILURE)
    lua_error(L);
  if (weir->status(L, -values - 1) != WEIR_SUCCESS)
    luaL_error(L, "it waits");
  lua_pop(L, values + 1);
}

void case_run(lua_State *L, int n, lua_CFunction f) {
  lua_pushcfunction(L, f);
  lua_insert(L, -n - 1);
  lua_pop(L, weir_api(L)->run(L, n));
}

int case_scale(int n) {
  const char *scale = getenv("WEIR_SCALE");
  return scale && strcmp(scale, "small") == 0 ? n / 1000 + 10 : n;
}
