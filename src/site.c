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
  return S->library_length > 0 && lua_getinfo(L, "S", ar) &&
         strncmp(ar->source, S->library, S->library_length) == 0;
}
