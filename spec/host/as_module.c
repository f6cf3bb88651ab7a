/*
** The cases in a C module of another's: it finds weir.core as any Lua program does, by require.
** require "cases" is a function: cases([title]) returns how many failed.
*/
#include "driver.h"

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

static int run(lua_State *L) {
  lua_pushinteger(L, driver_run(luaL_optstring(L, 1, NULL), nothing));
  return 1;
}

WEIR_API int luaopen_cases(lua_State *L);
int luaopen_cases(lua_State *L) {
  lua_pushcfunction(L, run);
  return 1;
}
