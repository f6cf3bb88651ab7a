/* A C module of somebody else's: it knows weir.h and nothing else of weir. */
#include "weir.h"

/* Stack: the number, and what each wait leaves. */
static int count(lua_State *L, int status, lua_KContext n) {
  const weir_Api *weir = weir_api(L);
  (void)status;
  if (n == 0) {
    lua_pushliteral(L, "liftoff");
    return 1;
  }
  lua_settop(L, 1);
  weir->after(L, 0.001, 0);
  weir->awaitk(L, -1, -1, n - 1, count);
  return count(L, LUA_OK, n - 1);
}

static int countdown(lua_State *L) {
  return count(L, LUA_OK, (lua_KContext)luaL_checkinteger(L, 1));
}

/* A Deferred of its own. */
static int cancelled(lua_State *L) {
  const weir_Api *weir = weir_api(L);
  weir->deferred(L);
  lua_pushvalue(L, 1);
  weir->cancel(L, -2, -1);
  return 1;
}

WEIR_API int luaopen_countdown(lua_State *L);
int luaopen_countdown(lua_State *L) {
  const luaL_Reg functions[] = {{"cancelled", cancelled}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_pushcfunction(L, countdown);
  weir_api(L)->coroutine(L, "countdown");
  lua_setfield(L, -2, "countdown");
  return 1;
}
