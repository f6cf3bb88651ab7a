#include "site.h"

#include <string.h>

enum { SITE_WHERE = 1, SITE_TRACE };

/* "file:line" of the caller of the function that runs. */
static void push_where(lua_State *L) {
  lua_Debug ar;
  if (lua_getstack(L, 1, &ar) && lua_getinfo(L, "Sl", &ar) && ar.currentline > 0)
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
  else
    lua_pushliteral(L, "?");
}

void weir_site_note(lua_State *L, weir_State *S, int idx) {
  weir_state_push(L, S, HOME_SITES);
  lua_pushvalue(L, idx);
  lua_createtable(L, 2, 0);
  push_where(L);
  lua_rawseti(L, -2, SITE_WHERE);
  luaL_traceback(L, L, NULL, 1);
  lua_rawseti(L, -2, SITE_TRACE);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

int weir_site_push(lua_State *L, weir_State *S, int idx) {
  weir_state_push(L, S, HOME_SITES);
  lua_pushvalue(L, idx);
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pop(L, 2);
    return 0;
  }
  lua_rawgeti(L, -1, SITE_WHERE);
  lua_rawgeti(L, -2, SITE_TRACE);
  lua_remove(L, -3);
  lua_remove(L, -3);
  return 1;
}

int weir_site_is_ours(lua_State *L, const weir_State *S, lua_Debug *ar) {
  return lua_getinfo(L, "S", ar) && S->library_length > 0 &&
         strncmp(ar->source, S->library, S->library_length) == 0;
}

/* "file:line" of the innermost function in Lua that is not the library's; 0 if there is none. */
static int push_caller(lua_State *L, const weir_State *S) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++)
    if (!weir_site_is_ours(L, S, &ar) && lua_getinfo(L, "l", &ar) && ar.currentline > 0) {
      lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
      return 1;
    }
  return 0;
}

void weir_site_note_made(lua_State *L, weir_State *S) {
  int d = lua_gettop(L);
  luaL_checkstack(L, 6, "too many nested calls");
  if (push_caller(L, S)) {
    weir_state_push(L, S, HOME_MADE);
    lua_pushvalue(L, d);
    lua_pushvalue(L, d + 1);
    lua_rawset(L, -3);
  }
  lua_settop(L, d);
}

int weir_site_push_made(lua_State *L, weir_State *S, int idx) {
  weir_state_push(L, S, HOME_MADE);
  lua_pushvalue(L, idx);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1))
    return 1;
  lua_pop(L, 1);
  return 0;
}
