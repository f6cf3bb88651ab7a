#include "side.h"

void weir_side_make(lua_State *L, weir_State *S, int idx) {
  weir_Coroutine *c = lua_touserdata(L, idx);
  weir_Side *side = lua_newuserdatauv(L, sizeof *side, SIDE_SLOTS);
  *side = (weir_Side){.tag = weir_tag(S, TAG_SIDE)};
  if (c->has_side) { /* a finalizer has made one */
    lua_pop(L, 1);
    return;
  }
  lua_getiuservalue(L, idx, UV_SIDE);
  lua_setiuservalue(L, -2, SIDE_NAME);
  lua_setiuservalue(L, idx, UV_SIDE);
  c->has_side = 1;
}

void weir_side_push(lua_State *L, int idx, int slot) {
  lua_getiuservalue(L, idx, UV_SIDE);
  lua_getiuservalue(L, -1, slot);
  lua_remove(L, -2);
}

void weir_side_take(lua_State *L, int idx, int slot) {
  weir_side_push(L, idx, slot);
  lua_pushnil(L);
  weir_side_set(L, idx, slot);
}

void weir_side_set(lua_State *L, int idx, int slot) {
  lua_getiuservalue(L, idx, UV_SIDE);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, slot);
  lua_pop(L, 1);
}

void weir_side_drop(lua_State *L, weir_Coroutine *c, int idx) {
  weir_side_push(L, idx, SIDE_NAME);
  lua_setiuservalue(L, idx, UV_SIDE);
  c->has_side = 0;
}
