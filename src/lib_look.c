/*
** For the Lua side of the library, which makes texts of it: a look at what is there.
*/
#include "coroutine.h"
#include "lib.h"
#include "look.h"
#include "quiet.h"

/* quietly(f, ...) is f(...), without a collection meanwhile; returns one value. */
static int quietly(lua_State *L) {
  luaL_checkany(L, 1);
  weir_call_quietly(L, lua_gettop(L) - 1, 1);
  return 1;
}

/* live(): the list of the coroutines with a body, by birth. */
static int live(lua_State *L) {
  weir_look_live(L, weir_upstate(L));
  return 1;
}

/* look(d): a table of what is known of it. */
static int look(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_check_deferred(L, S, 1);
  lua_settop(L, 1);
  weir_look(L, S, 1);
  return 1;
}

/* above(d, t): puts those that wait on it into t; returns how many. */
static int above(lua_State *L) {
  weir_check_deferred(L, weir_upstate(L), 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushinteger(L, weir_look_above(L, 1, 2));
  return 1;
}

/* below(d, t): puts what it waits on, how and under which key into t; returns how many values. */
static int below(lua_State *L) {
  weir_check_deferred(L, weir_upstate(L), 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushinteger(L, weir_look_below(L, weir_upstate(L), 1, 2));
  return 1;
}

/* ahead(co, most): how many run before the ready coroutine. */
static int ahead(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const weir_Coroutine *c = weir_check_coroutine(L, S, 1, NULL);
  lua_pushinteger(L, weir_look_ahead(S, c, (int)lua_tointeger(L, 2)));
  return 1;
}

const luaL_Reg weir_lib_look[] = {{"quietly", quietly}, {"live", live},   {"look", look},
                                  {"above", above},     {"below", below}, {"ahead", ahead},
                                  {NULL, NULL}};
