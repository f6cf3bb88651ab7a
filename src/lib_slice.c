#include <math.h>
#include <string.h>

#include "lib.h"
#include "slice.h"

static lua_Integer check_slice(lua_State *L, int arg) {
  lua_Integer n = luaL_optinteger(L, arg, 0);
  luaL_argcheck(L, n >= 0, arg, "number of instructions must not be negative");
  return n;
}

/* slice([n]) */
static int slice(lua_State *L) {
  weir_State *S = weir_upstate(L);
  lua_Integer old = S->slice;
  if (!lua_isnone(L, 1))
    S->slice = check_slice(L, 1);
  lua_pushinteger(L, old);
  return 1;
}

/* mark_library(): whoever calls this stands beside all else that is the library's. */
static int mark_library(lua_State *L) {
  weir_State *S = weir_upstate(L);
  const char *name;
  lua_Debug ar;
  if (!lua_getstack(L, 1, &ar) || !lua_getinfo(L, "S", &ar) || ar.source[0] != '@')
    return 0;
  name = strrchr(ar.source, LUA_DIRSEP[0]);
  if (!name)
    return 0;
  lua_pushlstring(L, ar.source, (size_t)(name + 1 - ar.source));
  S->library = lua_tolstring(L, -1, &S->library_length);
  weir_state_set(L, S, HOME_LIBRARY);
  return 0;
}

/* ---- methods ---- */

static int slice_of(lua_State *L) {
  weir_State *S = weir_upstate(L);
  lua_Integer n;
  weir_check_coroutine(L, S, 1, NULL);
  luaL_checkany(L, 2);
  n = check_slice(L, 2);
  weir_slice_set(L, S, 1, n);
  lua_settop(L, 1);
  return 1;
}

static void check_names(lua_State *L) {
  lua_pushnil(L);
  while (lua_next(L, 2)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (strcmp(name, "instructions") != 0 && strcmp(name, "seconds") != 0)
      luaL_argerror(L, 2, lua_pushfstring(L, "unknown limit '%s'", luaL_tolstring(L, -2, NULL)));
    lua_pop(L, 1);
  }
}

/* The table is at 2. */
static void get_instructions(lua_State *L, weir_Limit *limit) {
  int is_integer;
  if (lua_getfield(L, 2, "instructions") == LUA_TNIL)
    return;
  limit->instructions = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || limit->instructions < 0)
    luaL_argerror(L, 2, "limit 'instructions' is not a whole number of at least 0");
  limit->set |= LIMIT_INSTRUCTIONS;
}

static void get_seconds(lua_State *L, weir_Limit *limit) {
  int is_number;
  if (lua_getfield(L, 2, "seconds") == LUA_TNIL)
    return;
  limit->seconds = lua_tonumberx(L, -1, &is_number);
  if (!is_number || !(limit->seconds >= 0))
    luaL_argerror(L, 2, "limit 'seconds' is not a number of at least 0");
  if (limit->seconds < HUGE_VAL)
    limit->set |= LIMIT_SECONDS;
}

static int limit_of(lua_State *L) {
  weir_State *S = weir_upstate(L);
  weir_Limit limit = {0, 0, HUGE_VAL};
  weir_check_coroutine(L, S, 1, NULL);
  luaL_checkany(L, 2);
  if (!lua_isnil(L, 2)) {
    luaL_checktype(L, 2, LUA_TTABLE);
    check_names(L);
    get_instructions(L, &limit);
    get_seconds(L, &limit);
  }
  weir_slice_limit(L, S, 1, &limit);
  lua_settop(L, 1);
  return 1;
}

const luaL_Reg weir_lib_slice[] = {{"slice", slice}, {"mark_library", mark_library}, {NULL, NULL}};

const luaL_Reg weir_lib_slice_methods[] = {{"slice", slice_of}, {"limit", limit_of}, {NULL, NULL}};
